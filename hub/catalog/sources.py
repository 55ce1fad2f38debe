"""The open sources of the snapshot in force: opened when first read, kept while their configuration stays, closed when it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

import structlog

from connectors.errors import ConfigFault, SourceUnavailable
from connectors.guard import GuardedSource
from connectors.registry import open_source
from connectors.spi import Source, SourceConfig
from hub.catalog.files import KIND

_CLOSE_SECONDS = 5.0
"""A source that does not let itself be closed is left to itself."""
_LOOK_SECONDS = 0.5
_CHECKS_AT_ONCE = 16
log = structlog.get_logger(__name__)


class SourcePool:
    """Sources by code. ``places`` is how many calls one source may hold, running and waiting, of those that the hub has in work.

    Lives on the event loop.
    """

    def __init__(self, places: int | None = None) -> None:
        self._places = places
        self._configs: Mapping[str, SourceConfig] = {}
        self._open: dict[str, tuple[SourceConfig, GuardedSource]] = {}
        self._closing: list[tuple[float, GuardedSource]] = []
        self._checks: dict[GuardedSource, asyncio.Task[None]] = {}

    def use(self, configs: Mapping[str, SourceConfig]) -> None:
        """Takes over the sources of a new snapshot. Those that changed or went are closed by :meth:`tidy`, once running calls are done with them."""
        self._configs = configs
        for code, (config, source) in list(self._open.items()):
            if configs.get(code) != config:
                del self._open[code]
                self._closing.append((time.monotonic(), source))

    @property
    def opened(self) -> list[GuardedSource]:
        """All that are open now."""
        return [source for _, source in self._open.values()]

    def source(self, code: str) -> Source:
        """The source of this code; of one that left the catalog, for calls that began before, what is still open of it.

        Raises:
            SourceUnavailable: it cannot be opened with its configuration (a missing secret, say); ``huitong doctor`` tells why. Or it left.
        """
        found = self._open.get(code)
        if found is None:
            config = self._configs.get(code)
            if config is None:
                return self._left(code)
            try:
                found = self._open[code] = (config, open_source(self._bounded(config)))
            except ConfigFault as fault:
                raise SourceUnavailable(code, "its configuration cannot be used") from fault
        return found[1]

    def _left(self, code: str) -> GuardedSource:
        for _, source in reversed(self._closing):
            if source.code == code:
                return source
        raise SourceUnavailable(code, "it left the catalog")

    def _bounded(self, config: SourceConfig) -> SourceConfig:
        """No source may hold so many calls that none is left for the others."""
        if self._places is None:
            return config
        return replace(config, queue=max(0, min(config.queue, self._places - config.pool)))

    async def watch(self) -> None:
        """Looks after the open sources until cancelled: checks those that are not well, and those that are not used."""
        try:
            while True:
                for source in self.opened:
                    if len(self._checks) < _CHECKS_AT_ONCE and source not in self._checks and source.due():
                        self._checks[source] = asyncio.create_task(self._look_after(source))
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            for task in list(self._checks.values()):
                task.cancel()

    async def _look_after(self, source: GuardedSource) -> None:
        try:
            await source.look_after()
        except Exception as fault:  # noqa: BLE001 - whatever a driver does in a check, the watch over the others goes on
            log.warning("source_check_failed", source=source.code, fault=type(fault).__name__)
        finally:
            del self._checks[source]

    async def refresh(self) -> None:
        """Lets the sources of files look for deliveries, before their first call already."""
        for code, config in self._configs.items():
            if config.kind == KIND:
                with suppress(SourceUnavailable):
                    self.source(code)
                if code in self._open:
                    await self._open[code][1].refresh()

    async def tidy(self, after: float) -> None:
        """Closes sources that left the catalog more than ``after`` seconds ago: no call that began with them runs any more."""
        moment = time.monotonic()
        due = [source for left, source in self._closing if moment - left >= after]
        self._closing = [(left, source) for left, source in self._closing if moment - left < after]
        await _close(due)

    async def close(self) -> None:
        """Closes all."""
        self._closing += [(0.0, source) for _, source in self._open.values()]
        self._open = {}
        await self.tidy(0.0)


async def _close(sources: Iterable[Source]) -> None:
    """All at once, and no longer than a while: one that hangs keeps nobody waiting."""
    closing = [asyncio.ensure_future(source.close()) for source in sources]
    if not closing:
        return
    done, late = await asyncio.wait(closing, timeout=_CLOSE_SECONDS)
    for task in late:
        task.cancel()
    for task in done:
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.warning("source_not_closed", fault=type(fault).__name__)
