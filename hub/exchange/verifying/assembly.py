"""The parts of batch verification, put together."""

from __future__ import annotations

from dataclasses import dataclass

from hub.anomalies.watch import Watch
from hub.api.identity import Identity
from hub.exchange.store import ExchangeStore
from hub.exchange.verifying.asking import Asking
from hub.exchange.verifying.disposal import UploadDisposal
from hub.exchange.verifying.http import UploadHttp
from hub.exchange.verifying.receiving import Slots
from hub.exchange.verifying.runner import VerificationRuns
from hub.exchange.verifying.store import UploadStore
from hub.live import Live
from schema.documents import Documents
from schema.plan import Plans


@dataclass(frozen=True)
class Verifying:
    """What a hub has of it."""

    uploads: UploadStore
    runs: VerificationRuns
    http: UploadHttp
    disposal: UploadDisposal

    @classmethod
    def assemble(cls, live: Live, identity: Identity, documents: Documents, plans: Plans, watch: Watch, store: ExchangeStore) -> Verifying:
        """Of these parts of the hub."""
        core = live.core
        uploads = UploadStore(core.engine, core.settings.exchanges / "uploads")
        runs = VerificationRuns(live, documents, plans, Asking(live, core.ledger, watch), store, uploads)
        disposal = UploadDisposal(uploads, core.ledger, not core.settings.shared)
        return cls(uploads, runs, UploadHttp(live, identity, uploads, Slots(), disposal), disposal)
