"""Why an application may do with a resource what it may: the decision of a moment, item by item, and the grant behind it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from auth.condensed import expanded
from auth.decide import Explanation, Rights, explain
from auth.reasons import Reason
from auth.rights import ItemDecision, Operation
from hub.catalog.problems import Problem, Refused
from hub.sharing.registry import PUBLIC, Application, Registry
from hub.sharing.rules import RuleBook
from hub.sharing.tables import application, grant
from hub.sharing.workdays import china_day
from hub.store.engine import reading
from schema.faces import Faces
from schema.model import Resource, Snapshot

PUBLIC_NAME = "public"
"""How the public is asked about."""
_YEARS = range(2000, 2200)
_STATES = {
    "SUSPENDED": Reason.GRANT_SUSPENDED,
    "REVOKED": Reason.GRANT_REVOKED,
    "TERMINATED": Reason.GRANT_TERMINATED,
    "EXPIRED": Reason.GRANT_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """What is stored of a grant, whatever its state."""

    id: str
    state: str
    valid_from: datetime
    valid_to: datetime | None
    approver: str
    agreement_hash: str | None

    def fault(self, moment: datetime) -> Reason | None:
        """Why it gives nothing at the moment; ``None`` where it does."""
        if self.state != "ACTIVE":
            return _STATES.get(self.state, Reason.NO_GRANT)
        if moment < self.valid_from:
            return Reason.GRANT_NOT_YET_VALID
        return Reason.GRANT_EXPIRED if self.valid_to is not None and self.valid_to <= moment else None


@dataclass(frozen=True)
class Explained:
    """An application (``None``: the public) and a resource at a moment. ``allowed``: something of the resource exists for the application."""

    application: Application | None
    resource: Resource
    moment: datetime
    allowed: bool
    reason: Reason
    operations: Mapping[Operation, Reason]
    items: Mapping[str, ItemDecision]
    """Empty where the resource does not exist for the application."""
    given: Explanation
    grant: GrantFacts | None
    """The grant that gives it; else the newest, which no longer or not yet does."""
    sets: tuple[str, ...]
    """The rule sets in force at the moment, whose articles are cited."""


class Explainer:
    """Answers from the control database and the catalog; sources are not asked. Reads on the caller's thread."""

    def __init__(self, engine: Engine, registry: Registry, book: RuleBook) -> None:
        self._engine = engine
        self._book = book
        self._registry = registry

    def application(self, name: str) -> Application | None:
        """The application of a name; ``None`` for ``public``.

        Raises:
            Refused: ``NOT_FOUND``, with the nearest names.
        """
        found = self._registry.by_name(name)
        if found is not None or name == PUBLIC_NAME:
            return found
        with reading(self._engine) as connection:
            names = list(connection.execute(select(application.c.name)).scalars())
        raise _unknown("application", f"没有应用 no application {name[:120]}", name, [*names, PUBLIC_NAME])

    def rights(self, app: Application | None, moment: datetime, scopes: Iterable[str] | None = None) -> Rights:
        """What the application may at the moment, with a token of these scopes, by default of all that it can have."""
        if app is None:
            return PUBLIC
        held = app.scopes() if scopes is None else expanded(frozenset(scopes), app.scopes())
        live = {each.terms.resource: each.terms for each in app.grants if each.holds(moment)}
        return Rights(app.client_id, app.department, held, app.purposes, live)

    def explain(self, snapshot: Snapshot, app: Application | None, code: str, moment: datetime, scopes: Iterable[str] | None = None) -> Explained:
        """What the application may do with the resource, and why.

        Raises:
            Refused: ``NOT_FOUND``, with the nearest codes; ``BAD_INPUT`` for a moment that is no time of cases.
        """
        if moment.year not in _YEARS:
            raise Refused(Problem("BAD_INPUT", f"时间超出范围 the moment is out of range: {moment.isoformat()}", f"{_YEARS[0]}–{_YEARS[-1]}", "at"))
        resource = resource_of(snapshot, code)
        rights = self.rights(app, moment, scopes)
        found = explain(resource.policy, rights)
        stored = self._grant(app, code, found)
        sets = self._book.in_force(china_day(moment))
        if app is not None and not app.active:
            reason = Reason.APPLICATION_DISABLED
            return Explained(app, resource, moment, False, reason, dict.fromkeys(Operation, reason), {}, found, stored, sets)
        reason, operations = found.reason, found.operations
        if reason is Reason.NO_GRANT and stored is not None:
            reason = stored.fault(moment) or reason
            operations = dict.fromkeys(Operation, reason)
        allowed = found.decision is not None
        if allowed and Faces(snapshot, rights).face(code) is None:
            allowed, reason = False, Reason.NOTHING_SHOWN
        items = found.decision.items if found.decision else {}
        return Explained(app, resource, moment, allowed, reason, operations, items, found, stored, sets)

    def _grant(self, app: Application | None, code: str, found: Explanation) -> GrantFacts | None:
        if app is None:
            return None
        columns = (grant.c.id, grant.c.state, grant.c.valid_from, grant.c.valid_to, grant.c.approver, grant.c.agreement_hash)
        statement = select(*columns).where(grant.c.application == app.client_id, grant.c.resource == code).order_by(grant.c.created_at.desc())
        with reading(self._engine) as connection:
            rows = [GrantFacts(*row) for row in connection.execute(statement.limit(100))]
        used = found.decision.grant if found.decision else None
        return next((row for row in rows if row.id == used), rows[0] if rows else None)


def resource_of(snapshot: Snapshot, code: str) -> Resource:
    """The published resource of a code.

    Raises:
        Refused: ``NOT_FOUND``, with the nearest codes.
    """
    found = snapshot.resources.get(code)
    if found is None:
        raise _unknown("resource", f"没有已发布的资源 no published resource {code[:120]}", code, snapshot.resources)
    return found


def _unknown(path: str, message: str, given: str, known: Iterable[str]) -> Refused:
    close = difflib.get_close_matches(given, list(known), 3, 0.5)
    hint = f"是否为 did you mean {', '.join(close)}?" if close else "请核对代码 compare the code"
    return Refused(Problem("NOT_FOUND", message, hint, path))
