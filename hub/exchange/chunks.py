"""The chunks of jobs in the control database: which are done, which may begin. Every change is fenced by the job's server and the chunk's attempt."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, func, insert, not_, select, text, update

from connectors.calling import RemoteReceipt
from hub.exchange.leases import lapsed
from hub.exchange.stops import Lost, Stopped
from hub.exchange.store import UNFINISHED, Job
from hub.exchange.tables import exchange, exchange_chunk
from hub.exchange.work.task import ChunkReceipt
from hub.store.base import now
from hub.store.turns import writing

_LOCK = 0x65786368
"""First key of PostgreSQL's advisory locks on sources: ``exch``."""
_NAME = re.compile(r"data(?:-(\d{5,9}))?\.[a-z]{1,10}\Z")
Work = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk that is planned. ``part`` is sealed."""

    number: int
    source: str
    name: str
    part: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk as it stands; the figures are there once it is ``DONE``."""

    number: int
    state: str
    attempt: int
    source: str
    name: str
    part: bytes
    last: bytes | None
    """Where it ended, sealed; ``None`` where nothing begins behind it."""
    rows: int
    bytes: int
    sha256: str
    sm3: str | None
    undelivered: int
    accessed: Mapping[str, int]
    """Also of a chunk that is to be done anew: what it took before."""
    remote: tuple[RemoteReceipt, ...] = ()


class ChunkStore:
    """Synchronous, for worker threads. ``node`` is this server process among those of the control database."""

    def __init__(self, engine: Engine, node: str) -> None:
        self._engine = engine
        self._node = node

    def of(self, job: str) -> list[Chunk]:
        """All chunks of a job, in their order.

        Raises:
            Stopped: one has a name that the hub did not give it (G2).
        """
        mine = select(exchange_chunk).where(exchange_chunk.c.exchange == job).order_by(exchange_chunk.c.number)
        with self._engine.connect() as connection:
            return [_chunk(row) for row in connection.execute(mine)]

    def plan(self, job: str, chunks: Sequence[NewChunk]) -> None:
        """Writes the chunks of a job that has none.

        Raises:
            Lost: the job runs elsewhere, or has ended.
        """
        with self._held(job) as connection:
            for chunk in chunks:
                _add(connection, job, chunk)

    def begin_anew(self, job: str, numbers: Collection[int] = ()) -> None:
        """Gives back what nobody works on any more, and chunks that were done and whose files are gone.

        Raises:
            Lost: see ``plan``.
        """
        chunk = exchange_chunk.c
        with self._held(job) as connection:
            connection.execute(update(exchange_chunk).where(chunk.exchange == job, chunk.state == "RUNNING").values(state="PENDING"))
            for number in numbers:
                connection.execute(update(exchange_chunk).where(chunk.exchange == job, chunk.number == number).values(state="PENDING"))

    def claim(self, job: Job, source: str, sessions: int, resting: Collection[int] = ()) -> Chunk | None:
        """The next chunk to work on; ``None`` while there is none but those ``resting``, or while ``source`` has as many ``sessions`` as it bears.

        Sessions are chunks that run, of all jobs and on all servers that live.

        Raises:
            Lost: see ``plan``.
            Stopped: what the job was compiled from is no longer what stands in the control database (G2).
        """
        chunk = exchange_chunk.c
        with self._held(job.id) as connection:
            _check_same(connection, job)
            _lock(connection, source)
            if _sessions(connection, source) >= sessions:
                return None
            waiting = and_(chunk.exchange == job.id, chunk.state == "PENDING", chunk.number.not_in(list(resting)))
            number = connection.execute(select(func.min(chunk.number)).where(waiting)).scalar_one()
            if number is None:
                return None
            this = and_(chunk.exchange == job.id, chunk.number == number)
            begun = {"state": "RUNNING", "attempt": chunk.attempt + 1, "began_at": now(), "done_at": None}
            connection.execute(update(exchange_chunk).where(this).values(**begun))
            return _chunk(connection.execute(select(exchange_chunk).where(this)).one())

    def waits(self, job: str, resting: Collection[int] = ()) -> bool:
        """Whether a chunk waits to be begun, besides those ``resting``."""
        chunk = exchange_chunk.c
        waiting = and_(chunk.exchange == job, chunk.state == "PENDING", chunk.number.not_in(list(resting)))
        with self._engine.connect() as connection:
            return connection.execute(select(chunk.number).where(waiting).limit(1)).first() is not None

    def put_back(self, job: str, chunk: Chunk, reason: str | None) -> None:
        """Leaves a chunk whose attempt came to nothing to another attempt."""
        with writing(self._engine) as connection:
            connection.execute(update(exchange_chunk).where(_attempt(job, chunk)).values(state="PENDING", reason=reason))

    def done(self, job: str, chunk: Chunk, receipt: ChunkReceipt, last: bytes | None, following: NewChunk | None, work: Work) -> None:
        """Accepts an attempt: in one transaction with ``work``, and with the chunk that begins behind it, where one does.

        Raises:
            Lost: see ``plan``; or the attempt is not the one that runs.
            Stopped: a chunk that is done anew ends elsewhere than before, so that those behind it begin wrongly.
            Exception: whatever ``work`` raised; then nothing is accepted.
        """
        figures = {name: getattr(receipt, name) for name in ("rows", "bytes", "sha256", "sm3", "undelivered")}
        figures |= {"state": "DONE", "done_at": now(), "reason": None, "last": last, "accessed": json.dumps(dict(receipt.accessed))}
        figures["remote"] = json.dumps([[each.source, each.call, each.entry] for each in receipt.remote]) if receipt.remote else None
        with self._held(job, work) as connection:
            if connection.execute(update(exchange_chunk).where(_attempt(job, chunk)).values(**figures)).rowcount != 1:
                raise Lost
            if following is not None and not _is_there(connection, job, following):
                _add(connection, job, following)

    @contextmanager
    def _held(self, job: str, first: Work = lambda _: None) -> Iterator[Connection]:
        """A transaction in which nobody else takes the job over. ``first`` comes before: whoever locks the ledger locks it before a job."""
        with writing(self._engine) as connection:
            first(connection)
            mine = and_(exchange.c.id == job, exchange.c.node == self._node, exchange.c.state.in_(UNFINISHED))
            if connection.execute(select(exchange.c.id).where(mine).with_for_update()).first() is None:
                raise Lost
            yield connection


def not_planned() -> Stopped:
    """A chunk that is not one of those that the hub planned for the job."""
    return Stopped("CONFLICT 分块与任务不符 a chunk does not belong to this exchange and its plan")


def has_done(connection: Connection, job: str) -> bool:
    """Whether a chunk of the job is done already."""
    done = and_(exchange_chunk.c.exchange == job, exchange_chunk.c.state == "DONE")
    return connection.execute(select(exchange_chunk.c.number).where(done).limit(1)).first() is not None


def _attempt(job: str, chunk: Chunk) -> ColumnElement[bool]:
    column = exchange_chunk.c
    return and_(column.exchange == job, column.number == chunk.number, column.attempt == chunk.attempt, column.state == "RUNNING")


def _add(connection: Connection, job: str, chunk: NewChunk) -> None:
    values = {"number": chunk.number, "source": chunk.source, "name": chunk.name, "part": chunk.part}
    connection.execute(insert(exchange_chunk).values(exchange=job, state="PENDING", attempt=0, **values))


def _is_there(connection: Connection, job: str, chunk: NewChunk) -> bool:
    """Whether the chunk behind one that is done anew is planned already, and begins where this one does: equal places are sealed alike."""
    planned = select(exchange_chunk.c.part).where(exchange_chunk.c.exchange == job, exchange_chunk.c.number == chunk.number)
    part = connection.execute(planned).scalar_one_or_none()
    if part is not None and bytes(part) != chunk.part:
        raise not_planned()
    return part is not None


def _check_same(connection: Connection, job: Job) -> None:
    columns = {
        name: exchange.c[name]
        for name in ("document", "variables", "plan", "policy", "input_sha256", "operation_name", "format", "encoding", "destination", "scopes")
    }
    found = connection.execute(select(*columns.values()).where(exchange.c.id == job.id)).one()
    expected = {name: getattr(job, name) for name in columns} | {"scopes": " ".join(sorted(job.scopes))}
    if dict(found._mapping) != expected:
        raise Stopped("CONFLICT 任务内容在执行中被更改 what the exchange is was changed while it ran")


def _lock(connection: Connection, source: str) -> None:
    """One claim of the source after the other, whichever server makes it; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        keys = {"first": _LOCK, "second": crc32(source.encode()) - 2**31}
        connection.execute(text("SELECT pg_advisory_xact_lock(:first, :second)"), keys)


def _sessions(connection: Connection, source: str) -> int:
    """What a server holds of which nothing has been heard for long does not count: it is taken over."""
    chunk = exchange_chunk.c
    living = not_(lapsed(exchange.c.held_until, now()))
    held = and_(chunk.source == source, chunk.state == "RUNNING", exchange.c.state.in_(UNFINISHED), living)
    joined = exchange_chunk.join(exchange, exchange.c.id == chunk.exchange)
    return int(connection.execute(select(func.count()).select_from(joined).where(held)).scalar_one())


def _chunk(row: Row[Any]) -> Chunk:
    found = row._mapping
    counts: dict[str, Any] = {name: found[name] or 0 for name in ("rows", "bytes", "undelivered")}
    own = {name: found[name] for name in ("number", "state", "attempt", "source", "name", "part", "last", "sm3")}
    # Files are made, renamed and taken away by this name.
    named = _NAME.match(found["name"])
    if named is None or int(named[1] or 1) != found["number"]:
        raise not_planned()
    remote = tuple(RemoteReceipt(*each) for each in json.loads(found["remote"] or "[]"))
    return Chunk(**own, **counts, sha256=found["sha256"] or "", accessed=json.loads(found["accessed"] or "{}"), remote=remote)
