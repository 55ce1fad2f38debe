"""Who logs in: name, password and one-time code together, one answer for everything that is wrong (OWASP Authentication Cheat Sheet)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update

from hub.acts import Actor, Acts
from hub.catalog.problems import Refused
from hub.catalog.tables import department
from hub.people.attempts import Attempts
from hub.people.passwords import Passwords, Verdict, password_problem
from hub.people.sessions import Session, Sessions, close_all_in
from hub.people.tables import account_role, person
from hub.people.totp import Seal, step_of

REFUSED, LOCKED = "LOGIN_REFUSED", "LOGIN_LOCKED"
"""What the roll-up of refusals says; whoever tries is told neither."""


class LoginRefused(Exception):
    """Nobody was logged in. ``code`` is for the ledger's roll-up alone."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody typed."""

    name: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    address: str


class Login:
    """Opens and closes sessions. Its methods take a tenth of a second and 64 MiB: they run in few threads of their own."""

    def __init__(self, engine: Engine, acts: Acts, sessions: Sessions, seal: Seal, passwords: Passwords) -> None:
        self._engine = engine
        self._acts = acts
        self._sessions = sessions
        self._seal = seal
        self.passwords = passwords
        self.attempts = Attempts(engine)

    def open(self, proof: Proof, before: str | None = None) -> str:
        """The cookie of a new session; ``before``, the cookie that came with the form, is no session any more.

        Raises:
            LoginRefused: always the same to whoever tries, after the same work.
        """
        row, step, stale = self._proven(proof)
        rehashed = self.passwords.hash(proof.password) if stale else None

        def work(connection: Connection) -> str:
            self._take(connection, row, proof, step, rehashed)
            return self._sessions.open_in(connection, row.id)

        cookie = self._done(row, "login", work)
        self._sessions.close(before)
        return cookie

    def change_password(self, session: Session, proof: Proof, password: str) -> str:
        """Changes one's own password; every session and token of the person ends, and a new session begins: its cookie.

        Raises:
            LoginRefused: old password or code are not right.
            Refused: the new password may not be used.
        """
        problem = password_problem(password, session.name)
        if problem:
            raise Refused(problem)
        row, step, _ = self._proven(proof)
        made = self.passwords.hash(password)

        def work(connection: Connection) -> str:
            self._take(connection, row, proof, step, None)
            connection.execute(update(person).where(person.c.id == row.id).values(password_hash=made))
            close_all_in(connection, row.id)
            return self._sessions.open_in(connection, row.id)

        return self._done(row, "changePassword", work)

    def close(self, session: Session, cookie: str) -> None:
        """Logs out."""
        actor = actor_of(session)
        self._acts.do(actor, "logout", session.name, lambda _: None)
        self._sessions.close(cookie)

    def _proven(self, proof: Proof) -> tuple[Row[Any], int, bool]:
        """The person, the time step of the code, and whether the hash's parameters are of yesterday.

        All three are looked at before anybody is refused: a right password with a wrong code costs what a wrong password does.
        """
        if not self.attempts.begin(proof.name, proof.address):
            raise LoginRefused(LOCKED)
        with self._engine.connect() as connection:
            open_ones = select(department.c.code).where(department.c.active)
            # PostgreSQL cannot be asked for U+0000, which stands in nobody's name.
            row = connection.execute(select(person).where(person.c.name == proof.name.replace("\0", "?"), person.c.department.in_(open_ones))).first()
        usable = row if row is not None and row.state == "ACTIVE" else None
        verdict: Verdict = self.passwords.verify(usable.password_hash if usable else None, proof.password)
        step = step_of(self._seal.open(usable.totp_secret, usable.id) if usable else None, proof.code)
        if usable is None or not verdict.right or step is None or step <= usable.totp_step:
            raise LoginRefused(REFUSED)
        return usable, step, verdict.stale

    def _take(self, connection: Connection, row: Row[Any], proof: Proof, step: int, rehashed: str | None) -> None:
        """Uses the one-time code up, in whatever process it comes first, and forgets the failures."""
        still = (person.c.id == row.id, person.c.state == "ACTIVE", person.c.password_hash == row.password_hash, person.c.totp_step < step)
        values = {"totp_step": step, **({"password_hash": rehashed} if rehashed else {})}
        if connection.execute(update(person).where(*still).values(**values)).rowcount != 1:
            raise LoginRefused(REFUSED)
        self.attempts.succeeded(connection, proof.name, proof.address)

    def _done(self, row: Row[Any], act: str, work: Callable[[Connection], str]) -> str:
        with self._engine.connect() as connection:
            roles = connection.execute(select(account_role.c.role).where(account_role.c.account == row.id)).scalars().all()
        return self._acts.do(Actor(row.name, row.department, frozenset(roles), row.name), act, row.name, work)


def actor_of(session: Session) -> Actor:
    """A logged-in person as one who acts."""
    return Actor(session.name, session.department, session.roles, session.name)
