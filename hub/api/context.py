"""Who calls, and what resolvers of the coding-time schema find in ``info.context``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiodataloader import DataLoader

from auth.decide import Rights
from auth.rights import Use
from hub.acts import Actor
from hub.live import Live
from hub.sharing.registry import Application
from schema.faces import Faces
from schema.faults import Code, Fault
from schema.model import Snapshot


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller of one call. ``application`` is ``None`` for the public."""

    application: Application | None
    rights: Rights
    use: Use

    @property
    def name(self) -> str:
        """What cursors are bound to."""
        return self.application.client_id if self.application else "public"

    def identified(self) -> Application:
        """The application.

        Raises:
            Fault: ``UNAUTHENTICATED`` for the public.
        """
        if self.application is None:
            raise Fault(
                Code.UNAUTHENTICATED,
                "该字段须凭访问令牌使用",
                "this field needs an access token",
                "请先从 /oauth/token 取得令牌",
                "get a token from /oauth/token first",
            )
        return self.application

    def actor(self) -> Actor:
        """The caller as one who does administrative acts."""
        app = self.identified()
        return Actor(app.name, app.department, self.rights.scopes, self.use.operator, app.client_id)


@dataclass
class Context:
    """What resolvers need: the caller, the state in force, this call's loaders and notes for its ledger entry."""

    live: Live
    caller: Caller
    call: str
    faces: Faces
    services: Any
    loaders: dict[str, DataLoader[Any, Any]] = field(default_factory=dict)
    departments: frozenset[str] | None = None
    """Codes of the departments to which introspection is limited."""
    details: dict[str, Any] = field(default_factory=dict)
    """What the ledger entry of this call says beside its accesses."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot this call works with."""
        return self.faces.snapshot
