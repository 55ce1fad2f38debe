"""What resolvers may call, beside the state in force."""

from __future__ import annotations

from dataclasses import dataclass

from aiodataloader import DataLoader
from anyio import to_thread

from connectors.errors import SourceFault
from hub.api.context import Context
from hub.exchange.delivery.deliver import Deliveries
from hub.exchange.delivery.destinations import Destinations
from hub.exchange.runner import ExchangeRunner
from hub.exchange.store import ExchangeStore
from hub.exchange.verifying.runner import VerificationRuns
from hub.exchange.verifying.store import UploadStore
from hub.live import Live
from hub.sharing.graphql import Grant, grant_of
from hub.sharing.requests import RequestService
from hub.store.base import now
from schema.cursors import Cursors


@dataclass(frozen=True)
class Services:
    """The services of one hub."""

    live: Live
    cursors: Cursors
    exchanges: ExchangeStore
    runner: ExchangeRunner
    requests: RequestService
    uploads: UploadStore
    verifications: VerificationRuns
    destinations: Destinations
    deliveries: Deliveries

    def grants(self, context: Context) -> DataLoader[str, list[Grant]]:
        """This call's loader of live grants by application: the catalog asks for them per resource, the database once."""
        if "grants" not in context.loaders:
            context.loaders["grants"] = DataLoader(self._load_grants)
        return context.loaders["grants"]

    async def _load_grants(self, client_ids: list[str]) -> list[list[Grant]]:
        return [await to_thread.run_sync(self._live_grants, client_id) for client_id in client_ids]

    def _live_grants(self, client_id: str) -> list[Grant]:
        moment = now()
        records = self.live.core.sharing.grants(client_id)
        return [grant_of(r) for r in records if r.state == "ACTIVE" and r.valid_from <= moment and (r.valid_to is None or moment < r.valid_to)]

    async def check_source(self, code: str) -> tuple[bool, str]:
        """Whether a source can be reached, and if not, what is wrong and how to mend it."""
        try:
            found = await self.live.sources.source(code).check()
        except SourceFault as fault:
            return False, str(fault)
        return found.ok, " ".join(text for text in (found.message, found.hint) if text)
