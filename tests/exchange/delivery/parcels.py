"""Finished exchanges made by hand, and destinations as the file names them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc, parquet

from hub.exchange.delivery.config import Content, Destination
from hub.exchange.delivery.target import Go, Parcel, open_target
from hub.exchange.store import FileRecord

MOMENT = datetime(2026, 11, 1, 8, 30, 0, 250_000, tzinfo=UTC)
HOSTILE = "张'); DROP TABLE x; --\\"


def rows(first: int, count: int, owner_prefix: str = "o") -> pa.Table:
    """Rows numbered from ``first``, of every kind, with a link that every other row lacks."""
    numbers = range(first, first + count)
    owner = pa.struct([("name", pa.string()), ("no", pa.int64())])
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "name": pa.array([f"{HOSTILE}{n}" for n in numbers]),
            "ok": pa.array([n % 2 == 0 for n in numbers]),
            "ratio": pa.array([n / 8 for n in numbers]),
            "born": pa.array([date(1990, 1, 1 + n % 28) if n % 3 else None for n in numbers], pa.date32()),
            "at": pa.array([MOMENT + timedelta(seconds=n) for n in numbers], pa.timestamp("us", "UTC")),
            "owner": pa.array([{"name": f"{owner_prefix}{n}", "no": n} if n % 2 else None for n in numbers], owner),
        }
    )


def parcel(
    directory: Path, exchange: str = "exchange_a", *, first: int = 0, count: int = 50, files: int = 2, day: int = 1, suffix: str = "parquet", owner: str = "o"
) -> Parcel:
    """An exchange of that many files with ``count`` rows each, finished on that day of November."""
    folder = directory / exchange
    folder.mkdir(exist_ok=True)
    records = [_file(folder / f"data-{n + 1:05}.{suffix}", rows(first + n * count, count, owner)) for n in range(files)]
    listed = [{"name": record.name, "rows": record.rows, "bytes": record.bytes, "sha256": record.sha256} for record in records]
    manifest = json.dumps({"exchange": exchange, "files": listed}).encode()
    finished = datetime(2026, 11, day, tzinfo=UTC)
    return Parcel(exchange, 1, suffix.upper(), folder, tuple(records), hashlib.sha256(manifest).hexdigest(), manifest, finished)


def _file(path: Path, content: pa.Table) -> FileRecord:
    if path.suffix == ".parquet":
        parquet.write_table(content, path)
    else:
        opening: Any = ipc.new_file if path.stem.endswith("1") else ipc.new_stream
        with opening(path, content.schema) as writer:
            writer.write_table(content, 20)
    raw = path.read_bytes()
    return FileRecord(path.name, content.num_rows, len(raw), hashlib.sha256(raw).hexdigest())


def destination(root: Path, **given: Any) -> Destination:
    """One destination, as if the file named it."""
    about = {"code": "there", "name": "前置机", "applications": ["loader"], **given}
    return Content.model_validate({"roots": [str(root)], "destinations": [about]}).destinations[0]


def always(_rows: int, _sent: int) -> None:
    """All may leave."""


def stopping_at(calls: int, fault: type[BaseException] = KeyboardInterrupt) -> Go:
    """Lets so many pieces leave, and no more."""
    seen = iter(range(calls))

    def go(_rows: int, _sent: int) -> None:
        if next(seen, None) is None:
            raise fault

    return go


def bring(where: Destination, what: Parcel, root: Path, go: Go = always) -> bool:
    """Delivers as an attempt does; whether anything had to be brought."""
    with open_target(where, (str(root),), what) as target:
        if target.there():
            return False
        target.deliver(go)
        return True
