"""An object's snapshots on disk: numbered files, and one small state file that names the snapshot in service and what became of each delivery."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from connectors.selection import Binding

IN_SERVICE, REPLACED, REJECTED = "in service", "replaced", "rejected"
_UNUSED_SECONDS = 86_400
_RECORDS = 30
"""Of the latest deliveries."""
_BARRING = 10_000
"""Of deliveries that were rejected before those and came after the one in service."""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one delivery. ``moment`` is the data's, ``at`` when it was read; both ISO 8601 in UTC."""

    identity: str
    name: str
    state: str
    moment: str
    at: str
    rank: tuple[str, int, int]
    rows: int = 0
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    sha256: str | None = None
    columns: tuple[str, ...] = ()
    snapshot: str | None = None
    report: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All records, newest first."""

    records: tuple[Record, ...] = ()
    number: int = 0

    @property
    def current(self) -> Record | None:
        """The delivery in service."""
        return next((each for each in self.records if each.state == IN_SERVICE), None)

    @property
    def rejected(self) -> frozenset[str]:
        """Identities of deliveries that need not be read again."""
        return frozenset(each.identity for each in self.records if each.state == REJECTED)


def shelf_folder(snapshots: Path, url: str, binding: Binding) -> Path:
    """The folder of one binding: the same file in another place, or described otherwise, is another snapshot."""
    digest = hashlib.sha256(f"{url}\0{binding.object}\0{binding.options}".encode()).hexdigest()[:24]
    return snapshots / digest


def remove_unknown(snapshots: Path, known: Collection[Path]) -> None:
    """Removes the shelves of bindings that the catalog no longer has and that nobody filled for a day."""
    for folder in snapshots.iterdir() if snapshots.is_dir() else ():
        try:
            unused = folder not in known and time.time() - (folder / "lock").stat().st_mtime > _UNUSED_SECONDS
        except OSError:
            continue
        if unused:
            shutil.rmtree(folder, ignore_errors=True)


class Shelf:
    """One object's folder. Blocks: used in worker threads."""

    def __init__(self, folder: Path, object_: str) -> None:
        self.folder = folder
        self._object = object_

    def state(self) -> State:
        """As it is on disk; empty where there is none or none that can be read."""
        try:
            found = orjson.loads((self.folder / "state.json").read_bytes())
            records = tuple(Record(**{**each, "rank": tuple(each["rank"]), "columns": tuple(each["columns"])}) for each in found["records"])
            return State(records, int(found["number"]))
        except (OSError, ValueError, KeyError, TypeError):
            return State()

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Whether this process may change the shelf now: one at a time does."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            os.utime(self.folder / "lock")
            yield True

    def empty_workplace(self) -> Path:
        """An empty folder for one delivery. Within :meth:`locked`."""
        self.clear_workplace()
        place = self.folder / "work"
        place.mkdir(mode=0o700)
        return place

    def clear_workplace(self) -> None:
        """Removes what the last delivery left there. Within :meth:`locked`."""
        shutil.rmtree(self.folder / "work", ignore_errors=True)

    def left_over(self) -> bool:
        """Whether there is a workplace: somebody is at work, or was killed at it and left a copy of a delivery."""
        return (self.folder / "work").exists()

    def forget(self) -> State:
        """Takes the snapshot out of service: it cannot be read, so that its delivery is read again. Within :meth:`locked`."""
        before = self.state()
        records = tuple(replace(each, state=REPLACED, snapshot=None) if each.state == IN_SERVICE else each for each in before.records)
        return self._written(State(records, before.number))

    def accept(self, record: Record, snapshot: Path) -> State:
        """Puts a finished snapshot into service. Within :meth:`locked`."""
        before = self.state()
        number = before.number + 1
        record = replace(record, state=IN_SERVICE, snapshot=f"{number:08}.duckdb")
        snapshot.rename(self.folder / str(record.snapshot))
        others = [replace(each, state=REPLACED, snapshot=None) if each.state == IN_SERVICE else each for each in before.records]
        return self._written(State(_newest(record, others), number))

    def reject(self, record: Record, report: Mapping[str, object]) -> State:
        """Keeps the report of a bad delivery; what is in service stays. Within :meth:`locked`."""
        before = self.state()
        number = before.number + 1
        record = replace(record, state=REJECTED, report=f"{number:08}.report.json")
        about = {"object": self._object, "delivery": record.name, "sha256": record.sha256, "rows": record.rows, "at": record.at}
        _put(self.folder / str(record.report), {**about, **report})
        return self._written(State(_newest(record, before.records), number))

    def report_path(self, record: Record) -> Path | None:
        """Where a rejected delivery's report lies."""
        return self.folder / record.report if record.report else None

    def report(self, record: Record) -> Mapping[str, Any]:
        """A rejected delivery's report; empty where there is none."""
        path = self.report_path(record)
        try:
            found: Mapping[str, Any] = orjson.loads(path.read_bytes()) if path else {}
        except (OSError, ValueError):
            return {}
        return found

    def tidy(self) -> None:
        """Removes snapshots and reports that the state does not name. Whoever still reads a snapshot has it open. Within :meth:`locked`."""
        state = self.state()
        named = {each.snapshot for each in state.records} | {each.report for each in state.records}
        for path in self.folder.iterdir():
            if path.is_file() and path.name not in named and path.suffix in (".duckdb", ".json", ".tmp") and path.name != "state.json":
                with suppress(OSError):
                    path.unlink()

    def _written(self, state: State) -> State:
        _put(self.folder / "state.json", {"object": self._object, "number": state.number, "records": [asdict(each) for each in state.records]})
        return state


def _newest(record: Record, others: Any) -> tuple[Record, ...]:
    kept = [record, *(each for each in others if each.identity != record.identity)]
    current = next((each.rank for each in kept if each.state == IN_SERVICE), None)
    # A bad delivery that is forgotten would be read again with every look; of old ones the report goes.
    barring = [replace(each, report=None) for each in kept[_RECORDS:] if each.state == REJECTED and (current is None or each.rank > current)]
    return (*kept[:_RECORDS], *(each for each in kept[_RECORDS:] if each.state == IN_SERVICE), *barring[:_BARRING])


def _put(path: Path, content: Mapping[str, object]) -> None:
    """Writes a small file so that it is there as a whole or not at all, also after a power failure."""
    made = path.with_suffix(".tmp")
    with made.open("wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    made.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def now_text() -> str:
    """Now."""
    return datetime.now(UTC).isoformat(timespec="seconds")
