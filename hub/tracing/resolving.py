"""Person → stable keys, asked of the sources at the time of the question: where a list carried nothing but a masked identifier, its rows are found so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from connectors.errors import SourceFault
from connectors.registry import lists_by_index
from connectors.selection import Column, Selection
from connectors.spi import Source
from hub.api.entries import every_hash
from hub.ledger.subjects import Subjects
from hub.tracing.kinds import Wanted
from hub.tracing.service import Traced
from schema.filters import Binds
from schema.model import Item, Resource, Snapshot
from schema.subjects import STABLE
from schema.values import deliverable, identified

MOST_ROWS = 1000
"""Of one person in one resource; where there are more, the resource counts as unanswered."""


class Resolver:
    """Reads nothing but stable keys, and keeps nothing but their hashes. Lives on the event loop."""

    def __init__(self, sources: Callable[[str], Source], snapshot: Snapshot, subjects: Subjects) -> None:
        self._sources = sources
        self._snapshot = snapshot
        self._subjects = subjects
        self.asked: dict[str, None] = {}
        self.unanswered: dict[str, None] = {}

    async def hashes(self, wanted: Wanted, resource: str | None) -> list[str]:
        """Hashes of the rows that have the identifier now, of all resources or of one."""
        found: dict[str, None] = {}
        for each, item in wanted.places:
            if resource in (None, each.code):
                found |= dict.fromkeys(await self._of(each, item, wanted))
        return list(found)

    async def _of(self, resource: Resource, item: Item, wanted: Wanted) -> list[str]:
        self.asked[resource.code] = None
        binds: Binds = {"limit": MOST_ROWS + 1}
        config = self._snapshot.sources.get(resource.source)
        where = identified(item, wanted.value, binds, "key", spelled=config is not None and lists_by_index(config.kind))
        selection = Selection(resource.binding, (Column(resource.stable_key, resource.stable_kind),), where, limit="limit")
        try:
            rows: Any = await self._sources(resource.source).fetch(selection, binds)
        except SourceFault:
            self.unanswered[resource.code] = None
            return []
        if len(rows) > MOST_ROWS:
            self.unanswered[resource.code] = None
        return [each for row in rows if deliverable(row[0]) for each in every_hash(self._subjects, resource.code, (STABLE, row[0]))]

    def noted(self, traced: Traced) -> Traced:
        """The answer, with what was asked."""
        unasked = tuple(code for code in traced.unasked if code not in self.asked)
        return replace(traced, asked=tuple(self.asked), unanswered=tuple(self.unanswered), unasked=unasked)
