"""Enrolment: an invitation becomes an account with a password and a one-time-code secret of its holder's own."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update

from hub.acts import Actor, Acts, bump
from hub.catalog.problems import Problem, Refused
from hub.clock import real_now
from hub.people.attempts import Attempts
from hub.people.login import LOCKED, REFUSED, LoginRefused
from hub.people.passwords import Passwords, password_problem
from hub.people.tables import person
from hub.people.totp import Seal, new_secret, step_of
from hub.store.turns import writing

INVITATION_HOURS = 72
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GROUPS, _GROUP = 5, 4


@dataclass(frozen=True, slots=True)
class Invitation:
    """What one types: the half that who approved handed over, and the half of who proposed (empty where the hub was bootstrapped)."""

    code: str = field(repr=False)
    proposal: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Invited:
    """An account that waits for its holder."""

    name: str
    display_name: str
    secret: str = field(repr=False)


class Enrolment:
    """Checks invitations and makes accounts active. Not for the event loop."""

    def __init__(self, engine: Engine, acts: Acts, seal: Seal, passwords: Passwords) -> None:
        self._engine = engine
        self._acts = acts
        self._seal = seal
        self._passwords = passwords
        self._attempts = Attempts(engine)

    def begin(self, invitation: Invitation, address: str) -> Invited:
        """Whose invitation it is, and the secret for the app; the same secret each time until the account is active.

        Raises:
            LoginRefused: no such invitation, used, too old, or only one of its halves.
        """
        row = self._found(invitation, address)
        secret = self._seal.open(row.totp_secret, row.id)
        if secret is None:
            secret = new_secret()
            with writing(self._engine) as connection:
                waiting = (person.c.id == row.id, person.c.invitation_hash == row.invitation_hash, person.c.totp_secret.is_(None))
                connection.execute(update(person).where(*waiting).values(totp_secret=self._seal.close(secret, row.id)))
                kept = connection.execute(select(person.c.totp_secret).where(person.c.id == row.id)).scalar_one()
            secret = self._seal.open(kept, row.id) or secret
        return Invited(row.name, row.display_name, secret)

    def finish(self, invitation: Invitation, password: str, code: str, address: str) -> str:
        """Makes the account active; its name. The invitation is used up, and so is the code.

        Raises:
            LoginRefused: as ``begin``.
            Refused: the password may not be used, or the code is not that of the app: the invitation holds on.
        """
        row = self._found(invitation, address)
        step = step_of(self._seal.open(row.totp_secret, row.id), code)
        problems = [problem] if (problem := password_problem(password, row.name)) else []
        if step is None:
            hint = "请核对手机时间 look at the phone's clock"
            problems.append(Problem("CODE_WRONG", "验证码不正确 the one-time code is not right", hint, "code"))
        if problems:
            raise Refused(*problems)
        values = {"password_hash": self._passwords.hash(password), "totp_step": step, "state": "ACTIVE", "invitation_hash": None, "proposal_hash": None}

        def work(connection: Connection) -> str:
            mine = (person.c.id == row.id, person.c.state == "INVITED", person.c.invitation_hash == row.invitation_hash)
            if connection.execute(update(person).where(*mine).values(**values)).rowcount != 1:
                raise LoginRefused(REFUSED)
            bump(connection, "rights")
            return str(row.name)

        return self._acts.do(Actor(row.name, row.department, frozenset(), row.name), "enrol", row.name, work)

    def _found(self, invitation: Invitation, address: str) -> Row[Any]:
        if not self._attempts.begin(None, address):
            raise LoginRefused(LOCKED)
        with writing(self._engine) as connection:
            row = connection.execute(select(person).where(person.c.invitation_hash == hash_half(invitation.code), person.c.state == "INVITED")).first()
            if row is None or row.invitation_until <= real_now() or not _other_half(row, invitation.proposal):
                raise LoginRefused(REFUSED)
            self._attempts.passed(connection, address)
        return row


def _other_half(row: Row[Any], given: str) -> bool:
    return row.proposal_hash is None or hmac.compare_digest(row.proposal_hash, hash_half(given))


def new_half() -> str:
    """A code of 100 random bits that can be read out: no letters that look like digits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def hash_half(code: str) -> str:
    """What is stored of a code; spaces, dashes and small letters are of no account."""
    return hashlib.sha256("".join(each for each in code.upper() if each.isalnum()).encode()).hexdigest()


def invitation_ends() -> datetime:
    """When an invitation made now is too old."""
    return real_now() + timedelta(hours=INVITATION_HOURS)
