"""What may be used once, in the control database, where every node sees it."""

from __future__ import annotations

import asyncio
import time

import structlog
from anyio import to_thread
from sqlalchemy import Engine, delete
from sqlalchemy.exc import SQLAlchemyError

from hub.people.tables import used_once
from hub.store.turns import writing
from hub.store.upsert import inserted

_SWEEP_SECONDS = 60.0
_KEPT_SECONDS = 60
"""How long what has ended is kept: a node whose clock is behind must not take it for new."""
log = structlog.get_logger(__name__)


class UsedOnce:
    """Used ids (``auth.replay.ReplayStore``)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def use(self, key: str, until: int) -> bool:
        """Whether nobody, on any node, used this key before; of several at once, one is the first."""
        with writing(self._engine) as connection:
            return inserted(connection, used_once, {"key": key, "until": until})

    def sweep(self, now: int) -> int:
        """Forgets what has ended; how many there were."""
        with writing(self._engine) as connection:
            return connection.execute(delete(used_once).where(used_once.c.until < now - _KEPT_SECONDS)).rowcount

    async def sweeping(self) -> None:
        """Sweeps every minute until cancelled. A database that fails is asked again the next time."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            try:
                await to_thread.run_sync(self.sweep, int(time.time()))
            except SQLAlchemyError as fault:
                log.warning("used_ids_not_swept", fault=type(fault).__name__)
