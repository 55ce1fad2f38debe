"""Who may what, now: applications and live grants held in memory, read anew when anything changed in any process."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cachetools import LRUCache
from sqlalchemy import Connection, Engine, Row, delete, select

from auth.audience import Audience, Pseudonymous
from auth.client_keys import stored_keys
from auth.clients import Client
from auth.condensed import expanded
from auth.decide import Rights
from auth.rights import GrantTerms, Operation, Purpose
from hub.acts import bump
from hub.catalog.tables import department
from hub.people.roles import ADMINISTRATORS
from hub.people.tables import account_role, person
from hub.pseudonyms.versions import Version, current, read_versions
from hub.sharing.grants import read_terms
from hub.sharing.tables import application, grant, revoked_token
from hub.store.base import now
from hub.store.engine import reading
from hub.store.turns import writing
from hub.store.upsert import inserted
from masking.pseudonym import PUBLIC as PUBLIC_CONSUMER


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A grant that is active, with its term."""

    terms: GrantTerms
    valid_from: datetime
    valid_to: datetime | None

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies in the grant's term."""
        return self.valid_from <= moment and (self.valid_to is None or moment < self.valid_to)


@dataclass(frozen=True, slots=True)
class _Read:
    """A grant's row, and what was read from it."""

    row: Row[Any]
    grant: LiveGrant


@dataclass(frozen=True, slots=True)
class Application:
    """A registered application as calls see it."""

    client_id: str
    name: str
    department: str
    secret_hash: str
    roles: frozenset[str]
    purposes: tuple[Purpose, ...]
    active: bool
    grants: tuple[LiveGrant, ...]
    auth_method: str = "client_secret_basic"
    jwks: str | None = field(default=None, repr=False)
    """Public keys of ``private_key_jwt``, RFC 7517 JSON."""
    redirect_uris: tuple[str, ...] = ()
    dpop_bound: bool = False
    owner: str | None = None
    """The id of the person who answers for it."""
    person: bool = False
    """A person's account: no OAuth client, holds roles and no grants."""
    tokens_from: int = 0
    """Unix seconds: tokens from before this moment are void."""

    def scopes(self) -> frozenset[str]:
        """All scopes that its tokens may carry: unconditional ones, those of its grants, its roles. 三员 hold no scope of data (GB/T 22239-2019 §8.1.5)."""
        if self.person or self.roles & ADMINISTRATORS:
            return self.roles
        granted = {f"{o.scope_prefix}:{g.terms.resource}" for g in self.grants for o in g.terms.operations}
        return frozenset(f"{o.scope_prefix}:unconditional" for o in Operation) | granted | self.roles


_RIGHTS = 4096
_KEPT_SECONDS = 600
"""How long a revocation outlives its token: a node whose clock is ahead must not take it from the others."""
PUBLIC = Rights(None, None, frozenset())


class Registry:
    """The applications and grants in force. Safe to use from any thread; ``refresh`` replaces the whole state at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._applications: Mapping[str, Application] = {}
        self._grants: Mapping[str, _Read] = {}
        """Grants as they were last read, by number: those whose rows did not change are not read anew."""
        self._rights: LRUCache[tuple[object, ...], Rights] = LRUCache(_RIGHTS)
        self._versions: tuple[Version, ...] = ()
        self._pseudonymous = Pseudonymous()
        self.stamp = object()
        """Another one whenever anything changed but by time alone."""

    def refresh(self) -> None:
        """Reads everything anew."""
        with reading(self._engine) as connection:
            read, roles = _read_grants(connection, self._grants), _roles(connection)
            grants = _by_application(read)
            closed = frozenset(connection.execute(select(department.c.code).where(department.c.active.is_(False))).scalars())
            made = {row.client_id: _application(row, roles, grants, closed) for row in connection.execute(select(application))}
            made |= {row.id: _person(row, roles, closed) for row in connection.execute(select(person).where(person.c.state.in_(("ACTIVE", "DISABLED"))))}
            versions = read_versions(connection)
        with self._lock:
            self._applications, self._grants, self._versions = made, read, versions
            self._rights.clear()
            self.stamp = object()

    def application(self, client_id: str) -> Application | None:
        """The application of a client id, or the account of a person's id, active or not."""
        return self._applications.get(client_id)

    def by_name(self, name: str) -> Application | None:
        """The application of this name."""
        return next((app for app in self._applications.values() if app.name == name and not app.person), None)

    def owned(self, account: str) -> list[Application]:
        """The applications for which a person answers."""
        return [app for app in self._applications.values() if app.owner == account and not app.person]

    def applications(self) -> list[Application]:
        """All applications, active or not; no people."""
        return [app for app in self._applications.values() if not app.person]

    def is_active(self, client_id: str) -> bool:
        """Whether the application exists and is not disabled."""
        found = self._applications.get(client_id)
        return found is not None and found.active

    def tokens_from(self, client_id: str) -> int:
        """Unix seconds before which no token of this application or person counts."""
        found = self._applications.get(client_id)
        return found.tokens_from if found is not None else 0

    def find(self, client_id: str) -> Client | None:
        """The OAuth client of this id (``auth.clients.ClientStore``)."""
        found = self._applications.get(client_id)
        if found is None or found.person:
            return None
        keys = stored_keys(found.jwks) if found.jwks else None
        whose = (found.active, found.department, found.name, found.redirect_uris)
        bound = found.dpop_bound
        return Client(found.client_id, found.secret_hash, found.scopes(), *whose, auth_method=found.auth_method, keys=keys, dpop_bound=bound)

    def rights(self, client_id: str, scopes: frozenset[str]) -> Rights:
        """token scopes ∩ live grants, for the caller of this moment."""
        app = self._applications[client_id]
        moment = now()
        live = tuple(g for g in app.grants if g.holds(moment))
        version, pseudonymous = current(self._versions, moment), self._pseudonymous
        key = (client_id, scopes, tuple(g.terms.grant for g in live), version and version.key_id, pseudonymous)
        with self._lock:
            found = self._rights.get(key)
            in_force = self._applications.get(client_id) is app
            if found is None or not in_force:
                grants = {g.terms.resource: g.terms for g in live}
                audience = _audience(client_id, version) if not app.person and pseudonymous.reaches(grants.values()) else None
                found = Rights(client_id, app.department, expanded(scopes, app.scopes()), app.purposes, grants, audience)
                # Of an application that was read anew meanwhile nothing is kept.
                if in_force:
                    self._rights[key] = found
        return found

    def public(self) -> Rights:
        """The rights of whoever has not identified himself."""
        return replace(PUBLIC, audience=_audience(PUBLIC_CONSUMER, self.pseudonym_version())) if self._pseudonymous.opened else PUBLIC

    def pseudonym_version(self) -> Version | None:
        """The version of the master key that makes pseudonyms now."""
        return current(self._versions, now())

    def follow_catalog(self, pseudonymous: Pseudonymous) -> None:
        """Takes over where the catalog in force makes pseudonyms: only rights that reach there name a consumer."""
        self._pseudonymous = pseudonymous
        self.stamp = object()

    def change_due(self, client_id: str, moment: datetime) -> datetime | None:
        """The next moment after this one at which rights of the application change by time alone: a grant begins or ends, or another key makes pseudonyms."""
        app = self._applications.get(client_id)
        terms = [edge for live in (app.grants if app else ()) for edge in (live.valid_from, live.valid_to) if edge is not None]
        return min((edge for edge in (*terms, *(version.starts_at for version in self._versions)) if edge > moment), default=None)


def _audience(consumer: str, version: Version | None) -> Audience | None:
    return Audience(consumer, version.key_id, version.number) if version else None


def _read_grants(connection: Connection, before: Mapping[str, _Read]) -> dict[str, _Read]:
    columns = (grant.c.id, grant.c.application, grant.c.resource, grant.c.terms, grant.c.approver, grant.c.valid_from, grant.c.valid_to)
    found: dict[str, _Read] = {}
    for row in connection.execute(select(*columns).where(grant.c.state == "ACTIVE").order_by(grant.c.id)):
        known = before.get(row.id)
        if known is None or known.row != row:
            live = LiveGrant(read_terms(row.id, row.resource, row.terms, row.approver), row.valid_from, row.valid_to)
            known = _Read(row, live)
        found[row.id] = known
    return found


def _by_application(read: Mapping[str, _Read]) -> dict[str, list[LiveGrant]]:
    found: dict[str, list[LiveGrant]] = {}
    for each in read.values():
        found.setdefault(each.row.application, []).append(each.grant)
    return found


def _roles(connection: Connection) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for row in connection.execute(select(account_role.c.account, account_role.c.role)):
        found.setdefault(row.account, set()).add(row.role)
    return {account: frozenset(roles) for account, roles in found.items()}


def _application(row: Row[Any], roles: Mapping[str, frozenset[str]], grants: Mapping[str, list[LiveGrant]], closed: frozenset[str]) -> Application:
    return Application(
        row.client_id,
        row.name,
        row.department,
        row.secret_hash,
        roles.get(row.client_id, frozenset()),
        tuple(Purpose(**p) for p in json.loads(row.purposes)),
        row.active and row.department not in closed,
        tuple(grants.get(row.client_id, ())),
        row.auth_method,
        row.jwks,
        tuple(json.loads(row.redirect_uris)),
        row.dpop_bound,
        row.owner,
        tokens_from=row.tokens_from,
    )


def _person(row: Row[Any], roles: Mapping[str, frozenset[str]], closed: frozenset[str]) -> Application:
    active = row.state == "ACTIVE" and row.department not in closed
    return Application(row.id, row.name, row.department, "", roles.get(row.id, frozenset()), (), active, (), person=True, tokens_from=row.tokens_from)


class TokenRevocations:
    """Revoked tokens in the control database (``auth.revocations.RevocationStore``)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, jti: str, expires_at: int) -> None:
        """Revokes a token until it expires."""
        with writing(self._engine) as connection:
            # Of two processes that revoke one token, one is first; the other finds it done.
            if inserted(connection, revoked_token, {"jti": jti, "expires_at": expires_at}):
                bump(connection, "revocations")

    def unexpired(self, now: int) -> list[tuple[str, int]]:
        """Revoked tokens that some node might hold valid still; older ones are forgotten."""
        with writing(self._engine) as connection:
            connection.execute(delete(revoked_token).where(revoked_token.c.expires_at < now - _KEPT_SECONDS))
            return [(row.jti, row.expires_at) for row in connection.execute(select(revoked_token))]
