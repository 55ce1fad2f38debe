"""The open sources of the snapshot in force: opened when first read, kept while their configuration stays, closed when it changes."""

from __future__ import annotations

import time
from collections.abc import Mapping

from connectors.errors import ConfigFault, SourceUnavailable
from connectors.registry import open_source
from connectors.spi import Source, SourceConfig


class SourcePool:
    """Sources by code. Lives on the event loop."""

    def __init__(self) -> None:
        self._configs: Mapping[str, SourceConfig] = {}
        self._open: dict[str, tuple[SourceConfig, Source]] = {}
        self._closing: list[tuple[float, Source]] = []

    def use(self, configs: Mapping[str, SourceConfig]) -> None:
        """Takes over the sources of a new snapshot. Those that changed or went are closed by :meth:`tidy`, once running calls are done with them."""
        self._configs = configs
        for code, (config, source) in list(self._open.items()):
            if configs.get(code) != config:
                del self._open[code]
                self._closing.append((time.monotonic(), source))

    def source(self, code: str) -> Source:
        """The source of this code.

        Raises:
            SourceUnavailable: it cannot be opened with its configuration (a missing secret, say); ``huitong doctor`` tells why.
        """
        found = self._open.get(code)
        if found is None:
            config = self._configs[code]
            try:
                found = self._open[code] = (config, open_source(config))
            except ConfigFault as fault:
                raise SourceUnavailable(code, "its configuration cannot be used") from fault
        return found[1]

    async def tidy(self, after: float) -> None:
        """Closes sources that left the catalog more than ``after`` seconds ago: no call that began with them runs any more."""
        moment = time.monotonic()
        due = [source for left, source in self._closing if moment - left >= after]
        self._closing = [(left, source) for left, source in self._closing if moment - left < after]
        for source in due:
            await source.close()

    async def close(self) -> None:
        """Closes all."""
        self._closing += [(0.0, source) for _, source in self._open.values()]
        self._open = {}
        await self.tidy(0.0)
