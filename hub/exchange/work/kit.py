"""What a process needs to work on chunks: open sources, the key of subjects, the keys of pseudonyms. All of it can be made of plain secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.registry import open_source
from connectors.spi import Source, SourceConfig
from hub.ledger.subjects import Subjects
from masking.pseudonym import KEYS, MasterKey

_OWNER = "exchange"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The keys that the work takes; they are sent to processes of the hub's own and never stand in a task."""

    subjects: bytes = field(repr=False)
    """Of :class:`hub.ledger.subjects.Subjects`."""
    pseudonyms: tuple[MasterKey, ...] = ()


class Kit:
    """Used by one event loop. Sources stay open between chunks, until their configuration changes."""

    def __init__(self, subjects: Subjects, opening: Callable[[SourceConfig], Source] = open_source) -> None:
        self.subjects = subjects
        self._opening = opening
        self._open: dict[str, tuple[SourceConfig, Source]] = {}

    @classmethod
    def of(cls, secrets: Secrets) -> Kit:
        """Of a process of its own, which holds the keys of pseudonyms from now on."""
        KEYS.hold(_OWNER, secrets.pseudonyms)
        return cls(Subjects(secrets.subjects))

    async def source(self, config: SourceConfig) -> Source:
        """The open source of a configuration."""
        known = self._open.get(config.code)
        if known is not None and known[0] == config:
            return known[1]
        source = self._opening(config)
        self._open[config.code] = (config, source)
        if known is not None:
            await known[1].close()
        return source

    async def close(self) -> None:
        """Closes the sources."""
        sources = [source for _, source in self._open.values()]
        self._open.clear()
        for source in sources:
            await source.close()
