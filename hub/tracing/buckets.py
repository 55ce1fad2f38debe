"""How records of subjects are kept: appended as they come, put into 256 buckets by first byte when many wait, and joined to long rows. Nothing is sorted.

All writing is done by whoever holds the lock on ``ledger_indexed``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from hub.ledger import tables
from hub.tracing.records import WIDTH, by_bucket, first_in, seqs_in, seqs_naming, without
from hub.tracing.tables import subject_bucket

WAITING, SHORT, LONG = 0, 1, 2
"""Levels: rows of all buckets together, as steps wrote them; rows of one bucket; such rows joined."""
ALL = -1
"""Stands for the bucket of rows of the first level."""
FILLED = 8 << 10
"""Bytes of a waiting row from which the next step begins another; less is rewritten with each step."""
SPREAD = 65_536 * WIDTH
"""Bytes that wait at most, but for one step's: a question looks through all of them, and each bucket's part should not be much less than a page."""
ENOUGH = 64 << 10
"""Bytes of a row that need not be joined."""
FEW, BUCKETS = 8, 16
"""Rows that are joined at least, and buckets that one transaction joins: those with the most rows. In the long run each has 16 of about 6 KiB then."""
CLEARED, _ROWS = 8192, 16
"""Records that one transaction of a rebuild compares with the log, but for those of its last row; rows read at once."""
_COMPARED = 1000
_row = subject_bucket.c
# Made once: a step of few entries costs little beside its statements.
_newest = select(func.max(_row.id)).where(_row.level == WAITING).scalar_subquery()
_NEWEST = select(_row.id, _row.seq_first, _row.records).where(_row.id == _newest, func.length(_row.records) < bindparam("filled"))
_REPLACE = update(subject_bucket).where(_row.id == bindparam("row")).values(seq_first=bindparam("first"), records=bindparam("made"))
_INSERT = insert(subject_bucket)


class Gathered(NamedTuple):
    """Waiting rows that are to go, and the records of theirs and of a step by bucket, none of them of an entry before ``first``."""

    rows: Sequence[int]
    first: int
    parts: Mapping[int, bytes]


def append(connection: Connection, records: bytes) -> None:
    """Adds a step's records to those that wait."""
    if not records:
        return
    last = connection.execute(_NEWEST, {"filled": FILLED}).one_or_none()
    if last is None:
        _insert(connection, [(WAITING, ALL, first_in(records), records)])
    else:
        # A rebuild comes to entries before those that are archived.
        first = min(last.seq_first, first_in(records))
        connection.execute(_REPLACE, {"row": last.id, "first": first, "made": last.records + records})


def gather(connection: Connection, records: bytes) -> Gathered:
    """What waits and a step's records, to be spread."""
    rows = connection.execute(select(_row.id, _row.seq_first, _row.records).where(_row.level == WAITING).order_by(_row.id)).all()
    firsts = [row.seq_first for row in rows] + ([first_in(records)] if records else [])
    return Gathered([row.id for row in rows], min(firsts, default=0), by_bucket(b"".join((*(row.records for row in rows), records))))


def spread(connection: Connection, gathered: Gathered) -> bool:
    """Puts what was gathered into buckets, a row for each; whether it is still what waits, else nothing is done."""
    if connection.execute(select(_row.id).where(_row.level == WAITING).order_by(_row.id)).scalars().all() != gathered.rows:
        return False
    connection.execute(delete(subject_bucket).where(_row.level == WAITING))
    _insert(connection, [(LONG if len(part) >= ENOUGH else SHORT, bucket, gathered.first, part) for bucket, part in gathered.parts.items()])
    return True


def join(connection: Connection) -> int:
    """Makes one row of the short ones of a few buckets, those with the most; how many bytes were written again."""
    rows, joined = func.count(), 0
    most = select(_row.bucket).where(_row.level == SHORT).group_by(_row.bucket).having(rows >= FEW).order_by(rows.desc(), _row.bucket).limit(BUCKETS)
    for bucket in connection.execute(most).scalars().all():
        short = (_row.level == SHORT, _row.bucket == bucket)
        found = connection.execute(select(_row.seq_first, _row.records).where(*short).order_by(_row.id)).all()
        records = b"".join(row.records for row in found)
        connection.execute(delete(subject_bucket).where(*short))
        _insert(connection, [(LONG, bucket, min(row.seq_first for row in found), records)])
        joined += len(records)
    return joined


def waiting(connection: Connection) -> int:
    """Bytes that wait, counted."""
    return int(connection.execute(select(func.coalesce(func.sum(func.length(_row.records)), 0)).where(_row.level == WAITING)).scalar_one())


def clear(connection: Connection, after: int) -> int | None:
    """Removes from rows behind this id, in their order, what entries say that are in the log; the last row that was looked at, ``None`` behind all.

    What was archived and removed is not in the log any more: the index alone still says where it was, and keeps that.
    """
    found = connection.execute(select(_row.id, _row.records).where(_row.id > after).order_by(_row.id).limit(_ROWS)).all()
    compared, looked = 0, None
    for row in found:
        kept = without(row.records, _in_log(connection, set(seqs_in(row.records))))
        if not kept:
            connection.execute(delete(subject_bucket).where(_row.id == row.id))
        elif len(kept) < len(row.records):
            connection.execute(_REPLACE, {"row": row.id, "first": min(seqs_in(kept)), "made": kept})
        compared, looked = compared + len(row.records) // WIDTH, row.id
        if compared >= CLEARED:
            break
    return looked


def naming(connection: Connection, subjects: Collection[bytes], before: int | None) -> set[int]:
    """Numbers of indexed entries that name any of the subjects, those ``before`` a number alone where one is given; a few rows in memory at a time."""
    asked = select(_row.bucket, _row.records).where(_row.level.in_((WAITING, SHORT, LONG)), _row.bucket.in_({ALL, *(each[0] for each in subjects)}))
    if before is not None:
        asked = asked.where(_row.seq_first < before)
    rows = connection.execute(asked.execution_options(yield_per=_ROWS))
    found = {seq for bucket, records in rows for each in subjects if bucket in (ALL, each[0]) for seq in seqs_naming(records, each)}
    return found if before is None else {seq for seq in found if seq < before}


def _insert(connection: Connection, rows: Collection[tuple[int, int, int, bytes]]) -> None:
    if rows:
        names = ("level", "bucket", "seq_first", "records")
        connection.execute(_INSERT, [dict(zip(names, row, strict=True)) for row in rows])


def _in_log(connection: Connection, seqs: Collection[int]) -> set[int]:
    entry, some = tables.entry.c, sorted(seqs)
    parts = (some[i : i + _COMPARED] for i in range(0, len(some), _COMPARED))
    return {seq for part in parts for seq in connection.execute(select(entry.seq).where(entry.seq.in_(part))).scalars()}
