"""Who calls, and what resolvers of the coding-time schema find in ``info.context``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from aiodataloader import DataLoader

from auth.decide import Rights
from auth.rights import Use
from hub.acts import Actor
from hub.live import Live
from hub.sharing.registry import Application
from schema.documents import Documents, DocumentsTogether
from schema.faces import Faces
from schema.faults import Code, Fault
from schema.model import Snapshot
from schema.questions import Questions
from schema.reader import Allowance


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller of one call. ``application`` is ``None`` for the public; a person who acts for none has an account of its own there."""

    application: Application | None
    rights: Rights
    use: Use
    person: Application | None = None
    """The account of the person whose token this is; ``None`` where an application calls by itself."""

    @property
    def name(self) -> str:
        """What cursors are bound to."""
        return self.application.client_id if self.application else "public"

    def using(self, use: Use) -> Caller:
        """The caller with the use that it declares. Of a person's call that person is the operator, whatever is declared (LOG-01).

        Raises:
            Fault: ``BAD_REQUEST`` where another operator is named.
        """
        if self.person is None:
            return Caller(self.application, self.rights, use)
        name = self.person.name
        if use.operator not in (None, name):
            raise Fault(
                Code.BAD_REQUEST,
                "使用人员与登录人员不一致",
                "the operator is not the person who is logged in",
                f"请删去请求头 Huitong-Operator，或填写 {name}",
                f"leave the header Huitong-Operator out, or send {name}",
            )
        return replace(self, use=replace(use, operator=name))

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
        name = self.person.name if self.person else app.name
        return Actor(name, app.department, self.rights.scopes, self.use.operator, app.client_id)


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
    exceeded: tuple[str, ...] = ()
    """Acts of a governance document that the caller's roles do not give: nothing of it is done."""
    details: dict[str, Any] = field(default_factory=dict)
    """What the ledger entry of this call says beside its accesses."""
    readings: list[dict[str, Any]] = field(default_factory=list)
    """What this call read of the ledger itself, for its entry."""
    questions: Questions = field(default_factory=Questions)
    """What the aggregates of this call ask, and are judged by."""
    dry_allowance: Allowance = field(default_factory=Allowance)
    """What the dry runs of this call may do together: as much as one call."""
    dry_documents: Documents = field(default_factory=DocumentsTogether)
    """Documents of the dry runs of this call. They are rare and leave the cache of calls' own alone."""
    dry_runs: Iterator[int] = field(default_factory=count)
    """Numbers the dry runs of this call."""
    address: str = ""
    """The caller's network address."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot this call works with."""
        return self.faces.snapshot
