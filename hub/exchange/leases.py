"""Which server runs a job: it holds it for a while and renews that; what nobody holds any more, another takes over."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, Update, and_, or_, select, true, update

from hub.exchange.store import UNFINISHED
from hub.exchange.tables import exchange
from hub.store.base import now
from hub.store.turns import writing

LEASE = timedelta(seconds=30)
"""How long a job is left alone after its server was last heard of. Servers' clocks must agree far better than this."""


def lapsed(held_until: ColumnElement[datetime], moment: datetime) -> ColumnElement[bool]:
    """Whether nothing was heard of the server that holds something.

    Further ahead nobody holds anything: it was held by a clock that has been set back since, and whoever lives holds it anew.
    """
    return or_(held_until < moment, held_until > moment + 2 * LEASE)


class Leases:
    """Jobs held by the server process ``node``; synchronous, for worker threads.

    A server that is ``alone`` with its control database need not wait for what its predecessor held.
    """

    def __init__(self, engine: Engine, node: str, alone: bool) -> None:
        self._engine = engine
        self._node = node
        self._alone = alone

    def free(self) -> list[str]:
        """Unfinished jobs that nobody holds, oldest first."""
        statement = select(exchange.c.id).where(self._unheld(now())).order_by(exchange.c.created_at)
        with self._engine.connect() as connection:
            return list(connection.execute(statement).scalars())

    def claim(self, job: str) -> bool:
        """Takes a job that nobody holds; whether it is held here now."""
        moment = now()
        held = {"node": self._node, "held_until": moment + LEASE}
        return self._write(update(exchange).where(exchange.c.id == job, self._unheld(moment)).values(**held)) == 1

    def renew(self, jobs: Collection[str]) -> None:
        """Holds on to jobs that run here."""
        mine = and_(exchange.c.id.in_(list(jobs)), exchange.c.node == self._node, exchange.c.state.in_(UNFINISHED))
        self._write(update(exchange).where(mine).values(held_until=now() + LEASE))

    def release(self, job: str | None = None) -> None:
        """Leaves a job, or all that is held here, to others at once."""
        mine = and_(exchange.c.node == self._node, exchange.c.state.in_(UNFINISHED), exchange.c.id == job if job is not None else true())
        self._write(update(exchange).where(mine).values(node=None, held_until=None))

    def _unheld(self, moment: datetime) -> ColumnElement[bool]:
        free = or_(exchange.c.node.is_(None), lapsed(exchange.c.held_until, moment))
        return and_(exchange.c.state.in_(UNFINISHED), or_(free, exchange.c.node != self._node) if self._alone else free)

    def _write(self, statement: Update) -> int:
        with writing(self._engine) as connection:
            return connection.execute(statement).rowcount
