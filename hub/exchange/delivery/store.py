"""Deliveries in the control database: made as their job succeeds, held by one server at a time, told to their owner."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Update, and_, insert, or_, select, update

from hub.exchange.leases import LEASE, lapsed
from hub.exchange.tables import exchange, exchange_delivery
from hub.store.base import now
from hub.store.turns import writing

_TABLE = exchange_delivery
PATIENCE = timedelta(hours=24)
"""For how long a delivery is tried."""
_LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as it stands; ``rows`` and ``bytes`` are those that have arrived."""

    exchange: str
    destination: str
    state: str
    attempts: int
    reason: str | None
    place: str | None
    rows: int
    bytes: int
    next_at: datetime | None
    began_at: datetime | None
    done_at: datetime | None
    entry: int | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will be tried."""
        return self.state in ("DELIVERED", "FAILED")


def plan(connection: Connection, job: str) -> bool:
    """Makes the delivery of a job, in the transaction in which it succeeds; whether it has a destination."""
    destination = connection.execute(select(exchange.c.destination).where(exchange.c.id == job)).scalar_one_or_none()
    if destination is None:
        return False
    connection.execute(insert(_TABLE).values(exchange=job, destination=destination, state="WAITING", attempts=0, rows=0, bytes=0))
    return True


class DeliveryStore:
    """Reads and writes deliveries; synchronous, for worker threads. ``node`` is this server process.

    A server that is ``alone`` with its control database need not wait for what its predecessor held.
    """

    def __init__(self, engine: Engine, node: str, alone: bool) -> None:
        self._engine = engine
        self.node = node
        self._alone = alone

    def delivery(self, job: str) -> Delivery | None:
        """That of a job."""
        with self._engine.connect() as connection:
            row = connection.execute(select(_TABLE).where(_TABLE.c.exchange == job)).first()
        return _delivery(row) if row is not None else None

    def due(self) -> list[Delivery]:
        """Those that are to be tried now and that nobody holds, oldest first."""
        moment = now()
        statement = select(_TABLE).where(self._open(moment)).order_by(_TABLE.c.exchange)
        with self._engine.connect() as connection:
            return [_delivery(row) for row in connection.execute(statement)]

    def claim(self, job: str) -> Delivery | None:
        """The delivery, held here now, as another attempt of it; ``None`` where somebody else was faster."""
        moment = now()
        values = {"state": "RUNNING", "attempts": _TABLE.c.attempts + 1, "node": self.node, "held_until": moment + LEASE, "next_at": None}
        with writing(self._engine) as connection:
            if connection.execute(update(_TABLE).where(_TABLE.c.exchange == job, self._open(moment)).values(**values)).rowcount == 0:
                return None
            connection.execute(update(_TABLE).where(_TABLE.c.exchange == job, _TABLE.c.began_at.is_(None)).values(began_at=moment))
            return _delivery(connection.execute(select(_TABLE).where(_TABLE.c.exchange == job)).one())

    def renew(self, jobs: Collection[str]) -> None:
        """Holds on to deliveries that run here."""
        if jobs:
            self._write(update(_TABLE).where(_TABLE.c.exchange.in_(list(jobs)), self._mine()).values(held_until=now() + LEASE))

    def release(self) -> None:
        """Leaves all that is held here to others at once."""
        self._write(update(_TABLE).where(self._mine()).values(state="WAITING", node=None, held_until=None))

    def progress(self, job: str, rows: int, sent: int) -> bool:
        """Tells how far it is, and holds on to it; whether it is held here."""
        return self._write(self._held(job).values(rows=rows, bytes=sent, held_until=now() + LEASE)) == 1

    def entered(self, job: str, entry: int) -> bool:
        """Notes the ledger's entry under which the data leave; whether the delivery is held here."""
        return self._write(self._held(job).values(entry=entry)) == 1

    def delivered(self, job: str, place: str, rows: int, sent: int) -> bool:
        """All has arrived; whether it was held here."""
        done = {"state": "DELIVERED", "reason": None, "place": place, "rows": rows, "bytes": sent, "done_at": now()}
        return self._write(self._held(job).values(**done, node=None, held_until=None)) == 1

    def later(self, delivery: Delivery, reason: str, first_pause: timedelta) -> bool:
        """Tries it again after a pause that doubles up to an hour; whether there is time left to. Held here or not, nothing of another's is touched."""
        pause = min(first_pause * 2 ** min(delivery.attempts - 1, 20), _LONGEST)
        again = now() + pause
        if delivery.began_at is not None and again > delivery.began_at + PATIENCE:
            return False
        self._write(self._held(delivery.exchange).values(state="WAITING", reason=reason, next_at=again, node=None, held_until=None))
        return True

    def failed(self, connection: Connection, job: str, reason: str) -> bool:
        """It comes to nothing, in the transaction that enters this; whether it was held here."""
        done = {"state": "FAILED", "reason": reason, "done_at": now(), "node": None, "held_until": None}
        return connection.execute(self._held(job).values(**done)).rowcount == 1

    def _held(self, job: str) -> Update:
        return update(_TABLE).where(_TABLE.c.exchange == job, self._mine())

    def _mine(self) -> ColumnElement[bool]:
        return and_(_TABLE.c.node == self.node, _TABLE.c.state == "RUNNING")

    def _open(self, moment: datetime) -> ColumnElement[bool]:
        # No pause is longer: the clock was set back behind one that is.
        over = or_(_TABLE.c.next_at.is_(None), _TABLE.c.next_at <= moment, _TABLE.c.next_at > moment + _LONGEST)
        waiting = and_(_TABLE.c.state == "WAITING", over)
        free = lapsed(_TABLE.c.held_until, moment)
        left = and_(_TABLE.c.state == "RUNNING", or_(free, _TABLE.c.node != self.node) if self._alone else free)
        return or_(waiting, left)

    def _write(self, statement: Update) -> int:
        with writing(self._engine) as connection:
            return connection.execute(statement).rowcount


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**{name: getattr(row, name) for name in Delivery.__dataclass_fields__})
