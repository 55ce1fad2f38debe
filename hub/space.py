"""Free space where the hub writes: it tells of it early, takes no new exchanges when it runs short, and gives no data before the disk is full."""

from __future__ import annotations

import asyncio
import os
from enum import IntEnum
from pathlib import Path

import structlog
from anyio import to_thread
from sqlalchemy import make_url

from hub.ledger.append import Ledger
from hub.settings import Settings

WATCH_SECONDS = 1.0
MIB = 1024 * 1024
_FULL = "the control database's disk is almost full; only acts of administration are entered (disk_stop_mib)"
log = structlog.get_logger(__name__)


class Level(IntEnum):
    """How much is left, by the settings ``disk_warn_mib``, ``disk_exchange_mib`` and ``disk_stop_mib``."""

    ENOUGH = 0
    WARNED = 1
    SHORT = 2
    FULL = 3


class Space:
    """Looks at the file systems of the control database, where it is a file, and of the exchange files. ``free`` is in bytes, by place."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._ledger = ledger
        self._bounds = ((settings.disk_stop_mib, Level.FULL), (settings.disk_exchange_mib, Level.SHORT), (settings.disk_warn_mib, Level.WARNED))
        self._places = {"exchange": settings.exchanges}
        url = make_url(settings.database_url)
        if url.get_backend_name() == "sqlite" and url.database:
            self._places["control"] = Path(url.database).absolute().parent
        self.free: dict[str, int] = {}
        self.levels = dict.fromkeys(self._places, Level.ENOUGH)

    @property
    def full(self) -> bool:
        """Whether the control database's disk is so full that no data may leave."""
        return self.levels.get("control", Level.ENOUGH) is Level.FULL

    @property
    def exchanges_refused(self) -> bool:
        """Whether no exchange may begin."""
        return max(self.levels.values()) >= Level.SHORT

    @property
    def exchanges_stopped(self) -> bool:
        """Whether exchanges that run may write no further."""
        return max(self.levels.values()) is Level.FULL

    def look(self) -> None:
        """Looks, tells of what changed, and closes or opens the ledger to entries of data. A place that cannot be looked at keeps its level."""
        for place, path in self._places.items():
            try:
                found = os.statvfs(path)
            except OSError as fault:
                log.warning("disk_not_seen", place=place, fault=fault.strerror)
                continue
            self.free[place] = found.f_bavail * found.f_frsize
            self._take(place, self._level(self.free[place]))
        self._ledger.acts_only = _FULL if self.full else None

    async def watch(self) -> None:
        """Looks every second, until cancelled."""
        while True:
            # A network file system that hangs holds a thread, not the hub.
            await to_thread.run_sync(self.look, abandon_on_cancel=True)
            await asyncio.sleep(WATCH_SECONDS)

    def _level(self, free: int) -> Level:
        return next((level for mib, level in self._bounds if free < mib * MIB), Level.ENOUGH)

    def _take(self, place: str, level: Level) -> None:
        before, self.levels[place] = self.levels[place], level
        if level is not before:
            tell = log.warning if level else log.info
            tell("disk_low" if level else "disk_enough", place=place, level=level.name.lower(), free_mib=self.free[place] // MIB)
