"""What analysts read files of exchanges with: pandas, polars and DuckDB see in every format, in one file and in several, what a query answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow
import pytest

from tests.attacks.exchanges import CHUNK_ROWS, ROWS, exchanges_in, expected
from tests.exchange.pulling import exchange_at
from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.xdist_group("hub")]
FORMATS = ("CSV", "JSONL", "PARQUET", "ARROW")
SEVERAL = "{ civilAffairs { persons { nodes { serialNo idNumber name phone } } } }"
_PAGE = "query($after: String) { civilAffairs { persons(first: 500, after: $after) { nodes { %s } pageInfo { hasNextPage endCursor } } } }"
_FIELDS = "name birthDate phone household { address }"
_pandas: Any = pandas
_polars: Any = polars
_pa: Any = pyarrow
Rows = Iterable[Mapping[str, Any]]


def by_pandas(paths: Sequence[Path], format_: str) -> Rows:
    frames = [_READ_BY_PANDAS[format_](path) for path in paths]
    found: Rows = _pandas.concat(frames).to_dict("records")
    return found


def by_polars(paths: Sequence[Path], format_: str) -> Rows:
    # All files of the folder are read as one set.
    found: Rows = _READ_BY_POLARS[format_](str(paths[0].parent / f"*{paths[0].suffix}")).to_dicts()
    return found


def by_duckdb(paths: Sequence[Path], format_: str) -> Rows:
    every = str(paths[0].parent / f"*{paths[0].suffix}")
    with duckdb.connect() as connection:
        if format_ == "ARROW":
            tables = [_pa.ipc.open_file(_pa.memory_map(str(path))).read_all() for path in paths]
            connection.register("files", _pa.concat_tables(tables))
        else:
            connection.execute(f"CREATE VIEW files AS SELECT * FROM {_READ_BY_DUCKDB[format_]}".replace("?", f"'{every}'"))
        found = connection.execute("SELECT * FROM files")
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


_READ_BY_PANDAS: Mapping[str, Callable[[Path], Any]] = {
    "CSV": lambda path: _pandas.read_csv(path, dtype=str, keep_default_na=False),
    "JSONL": lambda path: _pandas.read_json(path, lines=True, dtype=False),
    "PARQUET": lambda path: _pandas.read_parquet(path),
    "ARROW": lambda path: _pandas.read_feather(path),
}
_READ_BY_POLARS: Mapping[str, Callable[[str], Any]] = {
    "CSV": lambda every: _polars.scan_csv(every, infer_schema=False).collect(),
    "JSONL": lambda every: _polars.scan_ndjson(every).collect(),
    "PARQUET": lambda every: _polars.scan_parquet(every).collect(),
    "ARROW": lambda every: _polars.scan_ipc(every).collect(),
}
_READ_BY_DUCKDB = {"CSV": "read_csv(?, all_varchar = true)", "JSONL": "read_json(?, format = 'newline_delimited')", "PARQUET": "read_parquet(?)"}
READERS = {"pandas": by_pandas, "polars": by_polars, "DuckDB": by_duckdb}


def plain(value: Any) -> str | None:
    """A value as text, whatever type the reader made of it; an empty text of CSV is a null there."""
    if value is None or value == "" or (not isinstance(value, str) and bool(_pandas.isna(value))):
        return None
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def told(rows: Rows) -> list[tuple[tuple[str, str | None], ...]]:
    """Rows as sorted texts; a link's values stand under dotted names, as in CSV, and a link that leads nowhere has none."""
    return sorted((tuple(sorted(_flat(row))) for row in rows), key=str)


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str | None]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif (text := plain(value)) is not None:
            yield f"{prefix}{name}", text


def queried(hub: RunningHub) -> list[dict[str, Any]]:
    """The list as a query answers it, page by page."""
    found, after = [], None
    while True:
        page = hub.ask("housing", _PAGE % _FIELDS, {"after": after}).data["civilAffairs"]["persons"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def test_every_reader_sees_what_a_query_answers(hub: RunningHub, tmp_path: Path) -> None:
    rows = told(queried(hub))
    assert len(rows) > 100
    assert any(name == "household.address" for row in rows for name, _ in row)
    for format_ in FORMATS:
        (folder := tmp_path / format_).mkdir()
        identity = exchange_at(hub, f"analyst {format_}", format_, f"{{ civilAffairs {{ persons {{ nodes {{ {_FIELDS} }} }} }} }}")
        files = hub.ask("housing", "query($id: ID!) { exchange(id: $id) { files { name url } } }", {"id": identity}).data["exchange"]["files"]
        for file in files:
            (folder / file["name"]).write_bytes(hub.http("GET", file["url"], headers=hub.headers("housing")).content)
        for name, read in READERS.items():
            assert told(read(sorted(folder.glob("data*")), format_)) == rows, (format_, name)


@pytest.mark.parametrize("format_", FORMATS)
async def test_several_files_are_one_set_for_every_reader(tmp_path: Path, format_: str) -> None:
    rows = told([{name: value for name, value in row.items() if name != "note"} for row in expected()])
    async with exchanges_in(tmp_path) as world:
        identity = await world.start(SEVERAL, format_)
        assert (await world.until(identity, "SUCCEEDED", "FAILED"))["state"] == "SUCCEEDED"
        paths = sorted(world.folder(identity).glob("data*"))
        assert len(paths) == ROWS // CHUNK_ROWS
        for name, read in READERS.items():
            assert told(read(paths, format_)) == rows, name
