"""Exchange jobs in the control database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, Row, ScalarSelect, Update, and_, func, insert, or_, select, update

from hub.exchange.tables import exchange, exchange_chunk, exchange_file, exchange_upload
from hub.sharing.tables import application
from hub.store.base import now
from hub.store.turns import writing

MOST_WAITING = 10
"""Unfinished jobs of one application."""
_AT_ONCE = 500
"""Ids in one statement."""
UNFINISHED = ("QUEUED", "RUNNING", "PAUSED")
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")


class TooMany(Exception):
    """The application has as many unfinished jobs as it may have."""


class UploadUsed(Exception):
    """Another job has the upload."""


class UploadGone(Exception):
    """The upload is not there any more."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One finished file."""

    name: str
    rows: int
    bytes: int
    sha256: str
    sm3: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it stands."""

    id: str
    application: str
    input_sha256: str
    document: str
    variables: str
    operation_name: str | None
    format: str
    scopes: frozenset[str]
    purpose: str | None
    operator: str | None
    case: str | None
    state: str
    reason: str | None
    rows_done: int
    rows_total: int | None
    bytes: int
    plan: str
    policy: str
    snapshot: int
    entry: int | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    files: tuple[FileRecord, ...] = ()
    encoding: str = "UTF-8"
    """Of the texts in its files."""
    kind: str = "LIST"
    """``LIST``, or ``VERIFICATION`` of the rows of an upload."""
    destination: str | None = None
    """Where it is delivered to besides, by code."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen but expiry."""
        return self.state in ENDED


class ExchangeStore:
    """Reads and writes jobs; synchronous, for worker threads. ``node`` is this server process among those of the control database."""

    def __init__(self, engine: Engine, node: str) -> None:
        self._engine = engine
        self.node = node

    def add(self, values: Mapping[str, Any]) -> tuple[Job, bool]:
        """The new job, or the one that has this idempotency key already; and whether it is new.

        Raises:
            TooMany: the application has as many unfinished jobs as it may have.
            UploadUsed: a new job would use an upload that another one has.
            UploadGone: or one that was disposed of.
        """
        with writing(self._engine) as connection:
            # One call of the application after the other, whichever server it came to.
            connection.execute(select(application.c.client_id).where(application.c.client_id == values["application"]).with_for_update())
            same = and_(exchange.c.application == values["application"], exchange.c.idempotency_key == values["idempotency_key"])
            found = connection.execute(select(exchange).where(same)).first()
            if found is None:
                waiting = and_(exchange.c.application == values["application"], exchange.c.state.in_(UNFINISHED))
                if connection.execute(select(func.count()).select_from(exchange).where(waiting)).scalar_one() >= MOST_WAITING:
                    raise TooMany
                if values.get("upload") is not None:
                    _claim(connection, values["upload"])
                connection.execute(insert(exchange).values(**values))
                found = connection.execute(select(exchange).where(same)).one()
                return _job(connection, found), True
            return _job(connection, found), False

    def started(self, application: str, key: str) -> Job | None:
        """The application's job with this idempotency key."""
        same = and_(exchange.c.application == application, exchange.c.idempotency_key == key)
        with self._engine.connect() as connection:
            row = connection.execute(select(exchange).where(same)).first()
            return _job(connection, row) if row is not None else None

    def change(self, job: str, only_from: Sequence[str] = UNFINISHED, **values: Any) -> bool:
        """Changes a job that is in one of the states; whether it was."""
        return self._changed(update(exchange).where(exchange.c.id == job, exchange.c.state.in_(only_from)).values(**values))

    def cancel(self, job: str) -> bool:
        """Ends a job that has not ended. It has done what its accepted chunks hold, as its quota was counted: what is told of a job that runs is a second old."""
        done = {name: _accepted(job, column) for name, column in (("rows_done", exchange_chunk.c.rows), ("bytes", exchange_chunk.c.bytes))}
        kept: dict[str, Any] = {name: func.coalesce(total, exchange.c[name]) for name, total in done.items()}
        return self.change(job, UNFINISHED, state="CANCELLED", finished_at=now(), document="", variables="", **kept)

    def progress(self, job: str, only_from: Sequence[str] = UNFINISHED, **values: Any) -> bool:
        """Changes a job as ``change`` does, only if this server runs it; whether it does."""
        mine = and_(exchange.c.id == job, exchange.c.node == self.node, exchange.c.state.in_(only_from))
        return self._changed(update(exchange).where(mine).values(**values))

    def _changed(self, statement: Update) -> bool:
        with writing(self._engine) as connection:
            return connection.execute(statement).rowcount == 1

    def finish(self, connection: Connection, job: str, files: Sequence[FileRecord], **values: Any) -> bool:
        """Marks a job that runs here as succeeded, in the transaction that writes its ledger entry; whether it was running here."""
        mine = and_(exchange.c.id == job, exchange.c.node == self.node, exchange.c.state == "RUNNING")
        statement = update(exchange).where(mine).values(state="SUCCEEDED", document="", variables="", **values)
        if connection.execute(statement).rowcount == 0:
            return False
        for file in files:
            connection.execute(insert(exchange_file).values(exchange=job, name=file.name, rows=file.rows, bytes=file.bytes, sha256=file.sha256, sm3=file.sm3))
        return True

    def fail(self, connection: Connection, job: str, reason: str) -> bool:
        """Marks a job that runs here as failed, in the transaction that writes its ledger entry; whether it was running here."""
        mine = and_(exchange.c.id == job, exchange.c.node == self.node, exchange.c.state.in_(UNFINISHED))
        failed = {"state": "FAILED", "reason": reason, "finished_at": now(), "document": "", "variables": ""}
        return connection.execute(update(exchange).where(mine).values(**failed)).rowcount == 1

    def job(self, job: str, application: str | None = None) -> Job | None:
        """The job; only if it is the application's where one is given."""
        with self._engine.connect() as connection:
            row = connection.execute(select(exchange).where(exchange.c.id == job)).first()
            return _job(connection, row) if row is not None and application in (None, row.application) else None

    def jobs(self, application: str, state: str | None, first: int, before: tuple[datetime, str] | None) -> list[Job]:
        """An application's jobs, newest first."""
        statement = select(exchange).where(exchange.c.application == application)
        if state is not None:
            statement = statement.where(exchange.c.state == state)
        if before is not None:
            at, identity = before
            statement = statement.where(or_(exchange.c.created_at < at, and_(exchange.c.created_at == at, exchange.c.id < identity)))
        with self._engine.connect() as connection:
            rows = connection.execute(statement.order_by(exchange.c.created_at.desc(), exchange.c.id.desc()).limit(first)).all()
            return [_job(connection, row) for row in rows]

    def over(self, jobs: Sequence[str], states: Sequence[str] = ("FAILED", "CANCELLED", "EXPIRED")) -> list[str]:
        """Those of the jobs that ended in one of these states; by default those that have no file to give, or none any more."""
        found: list[str] = []
        with self._engine.connect() as connection:
            for i in range(0, len(jobs), _AT_ONCE):
                mine = exchange.c.id.in_(jobs[i : i + _AT_ONCE])
                found += connection.execute(select(exchange.c.id).where(mine, exchange.c.state.in_(states))).scalars()
        return found

    def expire(self, connection: Connection, job: str) -> bool:
        """Marks a succeeded job as disposed of, in the transaction that enters this; whether it was not yet."""
        return connection.execute(update(exchange).where(exchange.c.id == job, exchange.c.state == "SUCCEEDED").values(state="EXPIRED")).rowcount == 1

    def expired(self) -> list[str]:
        """Succeeded jobs whose files are due for disposal."""
        with self._engine.connect() as connection:
            return list(connection.execute(select(exchange.c.id).where(exchange.c.state == "SUCCEEDED", exchange.c.expires_at <= now())).scalars())


def _claim(connection: Connection, upload: str) -> None:
    """That this transaction, which adds the job, is the upload's only one: whoever else would use it waits for its end, and then sees the job."""
    there = and_(exchange_upload.c.id == upload, exchange_upload.c.disposed_at.is_(None))
    if connection.execute(select(exchange_upload.c.id).where(there).with_for_update()).first() is None:
        raise UploadGone
    if connection.execute(select(exchange.c.id).where(exchange.c.upload == upload).limit(1)).first() is not None:
        raise UploadUsed


def _accepted(job: str, column: Column[Any]) -> ScalarSelect[Any]:
    """The column's sum over the chunks that are done; null where none is, and of batch verifications, which have no chunks."""
    return select(func.sum(column)).where(exchange_chunk.c.exchange == job, exchange_chunk.c.state == "DONE").scalar_subquery()


def _job(connection: Connection, row: Row[Any]) -> Job:
    files = connection.execute(select(exchange_file).where(exchange_file.c.exchange == row.id).order_by(exchange_file.c.name)).all()
    return Job(
        id=row.id,
        application=row.application,
        input_sha256=row.input_sha256,
        document=row.document,
        variables=row.variables,
        operation_name=row.operation_name,
        format=row.format,
        scopes=frozenset(row.scopes.split()),
        purpose=row.purpose,
        operator=row.operator,
        case=row.case_,
        state=row.state,
        reason=row.reason,
        rows_done=row.rows_done,
        rows_total=row.rows_total,
        bytes=row.bytes,
        plan=row.plan,
        policy=row.policy,
        snapshot=row.snapshot,
        entry=row.entry,
        created_at=row.created_at,
        finished_at=row.finished_at,
        expires_at=row.expires_at,
        encoding=row.encoding,
        kind=row.kind,
        destination=row.destination,
        files=tuple(FileRecord(file.name, file.rows, file.bytes, file.sha256, file.sm3) for file in files),
    )
