"""Browser sessions of people: a random cookie whose hash alone is stored, short when idle, ended at once for whoever is disabled."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update
from starlette.responses import Response

from hub.acts import bump
from hub.catalog.tables import department
from hub.clock import real_now
from hub.people.tables import account_role, person, person_session
from hub.store.turns import writing

IDLE_MINUTES = 15
LONGEST_HOURS = 8
_TOKEN_BYTES = 32
_SEEN_STEP = timedelta(seconds=30)
"""The time of the last use is written no oftener than this."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in. ``person`` is the account's id, ``name`` what one logs in with; ``csrf`` is the token of this session's forms."""

    person: str
    name: str
    display_name: str
    department: str
    roles: frozenset[str]
    csrf: str = field(repr=False)
    created_at: datetime


class Sessions:
    """Opens, finds and ends sessions in the control database, so that every node knows them. Not for the event loop: its methods wait.

    ``secure``: the hub is known by https; its cookie is then host-bound and never sent in clear (RFC 6265bis §4.1.3.2).
    """

    def __init__(
        self, engine: Engine, secure: bool, idle: timedelta = timedelta(minutes=IDLE_MINUTES), longest: timedelta = timedelta(hours=LONGEST_HOURS)
    ) -> None:
        self._engine = engine
        self._secure = secure
        self._idle = idle
        self._longest = longest

    def open(self, person_id: str) -> str:
        """Begins a session; returns the cookie's value. The caller has proven who it is."""
        with writing(self._engine) as connection:
            return self.open_in(connection, person_id)

    def open_in(self, connection: Connection, person_id: str) -> str:
        """The same within a transaction of the caller's; sessions that are over are forgotten by the way."""
        cookie, moment = secrets.token_urlsafe(_TOKEN_BYTES), real_now()
        connection.execute(delete(person_session).where(person_session.c.until < moment))
        times = {"created_at": moment, "seen_at": moment, "until": moment + self._longest}
        csrf = secrets.token_urlsafe(_TOKEN_BYTES)
        connection.execute(insert(person_session).values(id_hash=_hash(cookie), person=person_id, csrf=csrf, **times))
        return cookie

    def current(self, cookie: str | None) -> Session | None:
        """The session of a cookie's value; ``None`` where there is none, it is over, or its person is not active any more."""
        if not cookie or len(cookie) > 100:
            return None
        moment = real_now()
        with self._engine.connect() as connection:
            row = connection.execute(_found(cookie)).first()
            if row is None or row.state != "ACTIVE" or row.until <= moment or row.seen_at + self._idle <= moment:
                return None
            roles = connection.execute(select(account_role.c.role).where(account_role.c.account == row.person)).scalars().all()
        if moment - row.seen_at >= min(_SEEN_STEP, self._idle / 4):
            self._seen(cookie, moment)
        return _session(row, frozenset(roles))

    def close(self, cookie: str | None) -> None:
        """Ends one session."""
        if cookie:
            with writing(self._engine) as connection:
                connection.execute(delete(person_session).where(person_session.c.id_hash == _hash(cookie)))

    def close_all(self, person_id: str) -> None:
        """Ends all sessions of a person, on every node."""
        with writing(self._engine) as connection:
            close_all_in(connection, person_id)

    def _seen(self, cookie: str, moment: datetime) -> None:
        with writing(self._engine) as connection:
            connection.execute(update(person_session).where(person_session.c.id_hash == _hash(cookie)).values(seen_at=moment))

    @property
    def cookie_name(self) -> str:
        """``__Host-huitong`` under https. A browser refuses that prefix without TLS; a hub on the loopback has a name of its own."""
        return "__Host-huitong" if self._secure else "huitong-loopback"

    def set_cookie(self, response: Response, value: str) -> None:
        """Gives the browser its session. It keeps it until it is closed; the hub decides how long it holds."""
        response.set_cookie(self.cookie_name, value, path="/", secure=self._secure, httponly=True, samesite="lax")

    def clear_cookie(self, response: Response) -> None:
        """Takes the cookie back."""
        response.delete_cookie(self.cookie_name, path="/", secure=self._secure, httponly=True, samesite="lax")


def close_all_in(connection: Connection, person_id: str) -> None:
    """Ends all sessions of a person, and the tokens that they gave, within the transaction that takes the right away.

    The tokens stay void when the account comes back: whoever took one from a lost machine has no more of it.
    """
    connection.execute(delete(person_session).where(person_session.c.person == person_id))
    connection.execute(update(person).where(person.c.id == person_id).values(tokens_from=int(real_now().timestamp())))
    bump(connection, "rights")


def _hash(cookie: str) -> str:
    # The value has 256 random bits: a fast hash is enough.
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()


def _found(cookie: str) -> Any:
    columns = (person.c.name, person.c.display_name, person.c.department, person.c.state)
    joined = select(person_session, *columns).join(person, person.c.id == person_session.c.person).join(department, department.c.code == person.c.department)
    return joined.where(person_session.c.id_hash == _hash(cookie), department.c.active)


def _session(row: Row[Any], roles: frozenset[str]) -> Session:
    return Session(row.person, row.name, row.display_name, row.department, roles, row.csrf, row.created_at)
