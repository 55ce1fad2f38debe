"""The state in force: snapshot, rights, open sources and the views made from them. Follows changes of this and of other processes."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from anyio import CapacityLimiter, to_thread
from cachetools import LRUCache
from graphql import GraphQLSchema

from auth.audience import Pseudonymous
from auth.decide import Rights
from auth.revocations import RevocationList
from hub.acts import revisions
from hub.catalog.files import remove_snapshots
from hub.catalog.sources import SourcePool
from hub.core import Core
from hub.following import Followed
from schema.faces import Faces
from schema.model import Snapshot
from schema.view import View

_TEND_SECONDS = 0.3
_LOOK_MS = 2000
_VIEWS = 256
_RENEWALS = 32
log = structlog.get_logger(__name__)


class Live:
    """Lives on the event loop; ``refresh`` reads the control database in a worker thread and switches everything at once."""

    def __init__(self, core: Core, base: GraphQLSchema, revocations: RevocationList) -> None:
        self.core = core
        with _uncollected():
            self.snapshot: Snapshot = core.catalog.current()
        core.registry.follow_catalog(self.snapshot.pseudonymous)
        self.sources = SourcePool(core.settings.source_calls)
        self.sources.use(self.snapshot.sources)
        self._base = base
        self._revocations = revocations
        self._views: LRUCache[str, View] = LRUCache(_VIEWS)
        self._steps: list[tuple[Snapshot, frozenset[str]]] = []
        """Earlier snapshots, and the departments that the next one touched."""
        self._rights = Followed(("rights", "revocations"), self._look, self._take_rights)
        self._catalog = Followed(("catalog",), self._look, self._take_catalog, long=True)
        self.draining = False
        """The hub is ending: what would go on for ever ends now."""

    def view(self, rights: Rights) -> View:
        """The caller's view of the snapshot in force."""
        found = self._views.get(rights.fingerprint)
        if found is None or found.faces.snapshot is not self.snapshot:
            found = self._views[rights.fingerprint] = self._renewed(found) or View(self._base, Faces(self.snapshot, rights))
        return found

    def before_withdrawals(self, rights: Rights) -> View:
        """The caller's view as if nothing were withdrawn, to tell what is; it is not kept."""
        return View(self._base, Faces(self.snapshot.before_withdrawals, rights))

    def _renewed(self, view: View | None) -> View | None:
        """What an earlier snapshot's view has in common with now. Old snapshots live on in such a view: after a while it is made anew."""
        if view is None or view.age >= _RENEWALS:
            return None
        steps = [touched for _, touched in self._steps[next((i for i, (old, _) in enumerate(self._steps) if old is view.faces.snapshot), len(self._steps)) :]]
        return view.renewed(self.snapshot, frozenset[str]().union(*steps)) if steps else None

    @property
    def stale(self) -> bool:
        """Whether rights, revocations or catalog could not be looked at for too long to rely on them."""
        return self._rights.stale or self._catalog.stale

    async def refresh(self) -> None:
        """Takes over what changed, if anything did. When it returns, what was committed before the call is in force."""
        await self._rights.refresh()
        await self._catalog.refresh()

    async def _take_rights(self, changed: frozenset[str], thread: CapacityLimiter) -> None:
        if "rights" in changed:
            await to_thread.run_sync(self.core.registry.refresh, limiter=thread)
        if "revocations" in changed:
            await to_thread.run_sync(self._revocations.refresh, limiter=thread)

    async def _take_catalog(self, _changed: frozenset[str], thread: CapacityLimiter) -> None:
        self._take(*await to_thread.run_sync(self._next, limiter=thread))
        await to_thread.run_sync(remove_snapshots, self.core.settings.home, self.snapshot.sources, limiter=thread)

    def _next(self) -> tuple[Snapshot, frozenset[str], Pseudonymous]:
        made = self.core.catalog.current()
        return made, made.touched_since(self.snapshot), made.pseudonymous

    def _take(self, made: Snapshot, touched: frozenset[str], pseudonymous: Pseudonymous) -> None:
        self._steps = [*self._steps, (self.snapshot, touched)][-_RENEWALS:]
        self.snapshot = made
        self.core.registry.follow_catalog(pseudonymous)
        kept = [made, *(old for old, _ in self._steps)]
        for key in [key for key, view in self._views.items() if not any(view.faces.snapshot is old for old in kept)]:
            del self._views[key]
        self.sources.use(made.sources)

    def _look(self) -> Mapping[str, int]:
        with self.core.engine.execution_options(patience=_LOOK_MS).connect() as connection:
            return revisions(connection)

    async def follow(self) -> None:
        """Follows what other processes change, until cancelled: neither a large catalog nor a slow source delays a revocation."""
        await asyncio.gather(self._rights.follow(), self._catalog.follow(), self._tend())

    async def _tend(self) -> None:
        """Closes sources that left, and lets those of files look for deliveries."""
        while True:
            try:
                await self.sources.tidy(2 * self.core.settings.request_seconds)
                await self.sources.refresh()
            except Exception as fault:  # noqa: BLE001 - whatever a source does, the others are looked after
                log.warning("sources_not_tended", fault=type(fault).__name__)
            await asyncio.sleep(_TEND_SECONDS)


@contextmanager
def _uncollected() -> Iterator[None]:
    """A catalog's objects all stay: looking through them for garbage while they are made doubles the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
