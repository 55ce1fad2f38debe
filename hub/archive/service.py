"""Archiving and pruning: what old entries are, where they were written, and when they may go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, literal, select, update

from hub.acts import Actor, Acts
from hub.archive.checking import check_segment
from hub.archive.files import ArchiveFault, Segment, SegmentFile, confirm, read_list, write_list
from hub.archive.sets import SetsWritten, check_sets, named_in, write_sets
from hub.catalog.problems import Problem, Refused
from hub.ledger import tables
from hub.ledger.archived import ARCHIVE, PRUNE
from hub.ledger.digest import digest_of
from hub.ledger.entry import Entry, Json
from hub.ledger.history import read_history
from hub.ledger.hours import between
from hub.ledger.keys import VerifierKey
from hub.ledger.parsing import parse
from hub.ledger.publish import last_size
from hub.ledger.service import LedgerService
from hub.names import as_written
from hub.reading.bundle import entry_line, head_over, line, segment_header
from hub.sharing.texts import is_plain
from hub.store.base import now
from hub.store.engine import reading
from hub.store.turns import writing
from hub.tracing.index import Indexer
from hub.tracing.tables import indexed

SEGMENT = 100_000
"""Entries of one file."""
_READ, _REMOVED = 2000, 2000
_PAUSE = 0.02
"""Seconds between two removals: calls' entries are written then."""
Progress = Callable[[int, int], None]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Archived:
    """One registered segment."""

    segment: Segment
    archived_at: datetime
    pruned_at: datetime | None


class Archives:
    """Writes segments of one log, registers them, and removes what is registered, old enough and still there to be read."""

    def __init__(self, engine: Engine, acts: Acts, log: LedgerService, retention_years: int) -> None:
        self._engine = engine
        self._acts = acts
        self._log = log
        self._years = retention_years

    @property
    def keys(self) -> list[VerifierKey]:
        """The log's keys, former ones too."""
        with self._engine.connect() as connection:
            return [key.verifier for key in read_history(connection)]

    def registered(self) -> list[Archived]:
        """The register, in order."""
        with self._engine.connect() as connection:
            return [_archived(row) for row in connection.execute(select(tables.archive).order_by(tables.archive.c.first))]

    def archive(self, actor: Actor, until: datetime, folder: Path, size: int = SEGMENT, progress: Progress | None = None) -> list[Segment]:
        """Writes the published entries that stand before every entry dated ``until`` or later, and are not archived yet, into a new folder.

        Nothing is removed. What was written is read back and verified before the act is entered.

        Raises:
            Refused: there is nothing to archive, or something lies in the folder already.
            ArchiveFault: what was read back is not what was written.
        """
        with self._engine.connect() as connection:
            first, end = _next_first(connection), _end_before(connection, until)
        if first >= end:
            raise Refused(Problem("NOT_FOUND", "没有可归档的条目 there is nothing to archive", "请核对日期 compare the date", path="until"))
        if folder.exists() and any(folder.iterdir()):
            raise Refused(Problem("CONFLICT", f"{folder} 非空 is not empty", "请另选目录 choose another folder", path="to"))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made: list[Segment] = []
        sets: list[SetsWritten] = []
        for start in range(first, end, size):
            segment, beside = self._write(folder, start, min(size, end - start))
            made.append(segment)
            sets.append(beside)
            if progress is not None:
                progress(segment.end - first, end - first)
        also = [each.file for each in sets if each.file is not None]
        digest = write_list(folder, self._log.signer, made, also)
        self.check(folder, made)
        check_sets(folder, also)
        rows = [
            {"first": each.first, "count": each.count, "file": each.file, "bytes": each.bytes, "sha256": each.sha256, "archived_at": now()} for each in made
        ]
        details: dict[str, Json] = {"first": first, "count": end - first, "segments": len(made), "sha256": digest}
        if missing := sorted({digest for each in sets for digest in each.missing}):
            details |= {"missing_sets": len(missing), "missing_set": missing[0]}
            log.error("sets_of_subjects_missing", count=len(missing), first=missing[0])
        self._acts.do(actor, ARCHIVE, str(folder), lambda connection: connection.execute(insert(tables.archive), rows) and None, details)
        return made

    def check(self, folder: Path, segments: Sequence[Segment]) -> None:
        """Verifies segments against the list's signature, their checkpoints and the leaves in the control database.

        Raises:
            ArchiveFault: one of them is not what it should be.
        """
        log, keys = self._log.verifier_key.name, self.keys
        listed = read_list(folder, log, keys)
        for segment in segments:
            if segment not in listed:
                raise ArchiveFault(f"{folder}: 清单中没有 the list does not name {segment.file} ({segment.sha256[:12]}…)", segment.first)
            with self._engine.connect() as connection:
                check_segment(connection, folder, segment, log, keys)

    def prune(self, actor: Actor, approver: str, folders: Sequence[Path], progress: Progress | None = None) -> list[Segment]:
        """Removes the entries of registered segments that are older than the retention and lie, whole, in one of the folders. Goes on with what was begun.

        Their leaf hashes, batches and checkpoints stay, and with them every proof. Each segment's removal is an act of its own, entered before
        anything goes.

        Raises:
            Refused: the approver is the actor, or nothing may be removed; the first segment that is in the way says why.
            ArchiveFault: a segment in the folders is not what was archived.
        """
        if actor.is_called(approver) or not as_written(approver) or not is_plain(approver):
            raise Refused(Problem("FOUR_EYES", "删除须由另一人批准 somebody else approves the removal", "请写明批准人 name another approver", path="approver"))
        due = self._due()
        # Whom a removed entry concerned can be asked for all the same.
        Indexer(self._engine).catch_up()
        for each in due:
            self._prune(actor, approver, each, folders)
            if progress is not None:
                progress(each.segment.end, due[-1].segment.end)
        return [each.segment for each in due]

    def _write(self, folder: Path, first: int, count: int) -> tuple[Segment, SetsWritten]:
        file = SegmentFile(folder, first, count)
        named: set[str] = set()
        digest = digest_of(self._log.verifier_key.name)
        try:
            with reading(self._engine, patience=0) as connection:
                head = head_over(connection, first + count)
                if head is None:
                    raise ArchiveFault(f"条目 {first + count - 1} 尚未发布 entry {first + count - 1} is not published yet")
                file.write(line(segment_header(connection, head[1], head[0], first, count)))
                for start in range(first, first + count, _READ):
                    for entry in _stored(connection, start, min(_READ, first + count - start)):
                        file.write(entry_line(entry, digest))
                        named.update(named_in(entry))
                sets = write_sets(connection, folder, first, count, named)
        except BaseException:
            file.discard()
            raise
        return file.finish(), sets

    def _due(self) -> list[Archived]:
        with self._engine.connect() as connection:
            edge = _end_before(connection, _years_before(now(), self._years))
            last = connection.execute(select(func.max(tables.batch.c.first))).scalar() or 0
            # The last batch stays: the next entry continues it.
            edge = min(edge, last)
            begun = connection.execute(select(func.min(tables.entry.c.seq)).where(_removable())).scalar()
        registered = [each for each in self.registered() if each.pruned_at is None or (begun is not None and each.segment.end > begun)]
        due = [each for each in registered if each.segment.end <= edge]
        if not due:
            why = "尚未归档 nothing more is archived" if not registered else f"保存未满 {self._years} 年 it is not {self._years} years old yet"
            raise Refused(Problem("CONFLICT", f"没有可删除的条目：{why} there is nothing to remove", "huitong ledger archive", path="retention"))
        return due

    def _prune(self, actor: Actor, approver: str, archived: Archived, folders: Sequence[Path]) -> None:
        segment = archived.segment
        folder = next((each for each in folders if (each / segment.file).is_file()), None)
        if folder is None:
            raise ArchiveFault(f"所给目录中没有 {segment.file} is in none of the folders", segment.first)
        confirm(folder, segment)
        self.check(folder, [segment])
        if archived.pruned_at is None:
            row = update(tables.archive).where(tables.archive.c.first == segment.first).values(pruned_at=now())
            details: dict[str, Json] = {
                "first": segment.first,
                "count": segment.count,
                "sha256": segment.sha256,
                "approver": approver,
                "retention_years": self._years,
            }
            self._acts.do(actor, PRUNE, segment.file, lambda connection: connection.execute(row) and None, details)
        for start in range(segment.first, segment.end, _REMOVED):
            self._remove(start, min(start + _REMOVED, segment.end))
            time.sleep(_PAUSE)

    def _remove(self, first: int, end: int) -> None:
        entry, access = tables.entry.c, tables.access.c
        among = entry.seq.between(first, end - 1) & _removable()
        with writing(self._engine) as connection:
            _check_indexed(connection, end)
            leaves = select(literal(0), entry.seq, entry.leaf).where(among)
            connection.execute(insert(tables.node).from_select(["level", "idx", "hash"], leaves))
            gone = select(entry.seq).where(among)
            connection.execute(delete(tables.access).where(access.seq.in_(gone)))
            connection.execute(delete(tables.entry).where(among))


def _check_indexed(connection: Connection, end: int) -> None:
    """Refuses while the index of subjects is made anew, behind the lock of whoever makes it: what it does not cover yet, it could never find again."""
    size = connection.execute(select(indexed.c.size).with_for_update()).scalar()
    if size is None or size < end:
        raise Refused(Problem("CONFLICT", "主体索引正在重建 the index of subjects is being made anew", "请在其完成后再删除 remove them when it is done"))


def _removable() -> ColumnElement[bool]:
    """Changes of keys and the acts of archiving stay: without them the rest could not be verified."""
    entry = tables.entry.c
    return ~((entry.kind == "key") | ((entry.kind == "admin") & entry.operation.in_((ARCHIVE, PRUNE))))


def _next_first(connection: Connection) -> int:
    return connection.execute(select(func.max(tables.archive.c.first + tables.archive.c.count))).scalar() or 0


def _end_before(connection: Connection, until: datetime) -> int:
    """The number of the first published entry that is dated ``until`` or later, or how many are published."""
    published = last_size(connection)
    return min(between(connection, until, None, published, published)[0], published)


def _years_before(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:
        return moment.replace(year=moment.year - years, day=28)


def _stored(connection: Connection, first: int, count: int) -> list[Entry]:
    column = tables.entry.c
    rows = connection.execute(select(column.canonical).where(column.seq.between(first, first + count - 1)).order_by(column.seq)).scalars().all()
    if len(rows) != count:
        raise ArchiveFault(f"条目 {first} 至 {first + count - 1} 不完整 entries are missing from {first} on: huitong ledger verify", first)
    return [parse(canonical) for canonical in rows]


def _archived(row: Any) -> Archived:
    return Archived(Segment(row.file, row.first, row.count, row.bytes, row.sha256), row.archived_at, row.pruned_at)
