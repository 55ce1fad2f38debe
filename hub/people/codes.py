"""Authorization codes in the control database, and what people may hand over by them."""

from __future__ import annotations

from sqlalchemy import Engine, Row, delete, insert, update

from auth.claims import MAX_LIFETIME
from auth.clients import Client
from auth.codes import CODE_SECONDS, CodeRecord, Mandate, Taken
from hub.catalog.scopes import OWNER
from hub.people.tables import authorization_code
from hub.sharing.registry import Application, Registry

CONSOLE = "huitong-console"
"""The client id of GraphiQL."""
CALLBACK = "/console/callback"
_KEPT_SECONDS = CODE_SECONDS + MAX_LIFETIME
"""How long a code is remembered: as long as a token that it gave may live and be revoked."""


class StoredCodes:
    """``auth.codes.CodeStore``: one row per code, whose counter decides who was first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(sqlite_begin="IMMEDIATE")

    def save(self, code_hash: str, record: CodeRecord) -> None:
        """Keeps a code; forgets those that can matter to nobody any more."""
        values = {"code_hash": code_hash, "client_id": record.client_id, "person": record.person, "application": record.application}
        terms = {"redirect_uri": record.redirect_uri, "scope": record.scope, "challenge": record.code_challenge, "jkt": record.jkt}
        old = delete(authorization_code).where(authorization_code.c.until < record.until - _KEPT_SECONDS)
        with self._engine.begin() as connection:
            connection.execute(old)
            connection.execute(insert(authorization_code).values(**values, **terms, until=record.until))

    def take(self, code_hash: str) -> Taken | None:
        """Counts a presentation."""
        column = authorization_code.c
        counted = update(authorization_code).where(column.code_hash == code_hash).values(used=column.used + 1).returning(authorization_code)
        with self._engine.begin() as connection:
            row = connection.execute(counted).first()
        return None if row is None else Taken(_record(row), row.used == 1, row.jti, row.token_until)

    def gave(self, code_hash: str, jti: str, until: int) -> bool:
        """Notes the token that a code gave."""
        column = authorization_code.c
        noted = update(authorization_code).where(column.code_hash == code_hash).values(jti=jti, token_until=until).returning(column.used)
        with self._engine.begin() as connection:
            return connection.execute(noted).scalar_one_or_none() == 1


def _record(row: Row[tuple[object, ...]]) -> CodeRecord:
    return CodeRecord(row.client_id, row.person, row.application, row.redirect_uri, row.scope, row.challenge, row.jkt, row.until)


def answers_for(person: Application | None, application: Application | None) -> bool:
    """Whether the person may act for the application now: it is its owner, has the role of owners, and both are in service."""
    if person is None or application is None or not (person.person and person.active and OWNER in person.roles):
        return False
    return application.active and not application.person and application.owner == person.client_id


def scopes_for_owner(application: Application) -> frozenset[str]:
    """What an owner may hand over of an application: its data, never the administrative roles that it may have itself."""
    return application.scopes() - application.roles


class LivePeople:
    """``auth.codes.Mandates`` from the registry in memory."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def mandate(self, person: str, application: str | None) -> Mandate | None:
        """The mandate of this moment."""
        who = self._registry.application(person)
        if who is None or not who.person or not who.active:
            return None
        if application is None:
            return Mandate(who.client_id, who.scopes())
        app = self._registry.by_name(application)
        if app is None or not answers_for(who, app):
            return None
        return Mandate(who.client_id, scopes_for_owner(app), app.client_id)

    def owned(self, person: str) -> list[Application]:
        """The applications for which the person may act now, by name."""
        who = self._registry.application(person)
        return sorted((app for app in self._registry.applications() if answers_for(who, app)), key=lambda app: app.name)


class Clients:
    """``auth.clients.ClientStore``: the registered applications, and GraphiQL, which is built in and not in the database."""

    def __init__(self, registry: Registry, issuer: str) -> None:
        self._registry = registry
        self._console = Client(CONSOLE, "", frozenset(), True, "", CONSOLE, redirect_uris=(f"{issuer}{CALLBACK}",), public=True)

    def find(self, client_id: str) -> Client | None:
        """The client of this id."""
        return self._console if client_id == CONSOLE else self._registry.find(client_id)

    def is_active(self, party: str) -> bool:
        """Whether a client, person or application is in service."""
        return party == CONSOLE or self._registry.is_active(party)
