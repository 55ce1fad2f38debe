"""Failed logins, counted by name and by network address in the control database: each further one waits longer, none for ever.

A place is taken before the password is looked at, so that a burst of attempts at once is counted like one after the other.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, case, delete, select, update

from hub.api.admission import network_of
from hub.clock import real_now
from hub.people.tables import login_failure
from hub.store.turns import writing
from hub.store.upsert import inserting

NAME_FREE: Final = 5
"""Failures of one name without a lock."""
ADDRESS_FREE: Final = 50
"""Failures of one address without a lock: an office's people share one, and behind a proxy everybody does."""
FIRST_LOCK: Final = timedelta(seconds=30)
LONGEST_LOCK: Final = timedelta(minutes=15)
FORGOTTEN: Final = timedelta(hours=24)
"""After this long without a failure, counting begins anew."""


class Attempts:
    """Lets attempts through or not. Not for the event loop: its methods wait."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, name: str | None, address: str) -> bool:
        """Counts one attempt as failed; false where the name or the address is locked, and nothing is counted then."""
        keys = _keys(name, address)
        with writing(self._engine) as connection:
            moment = real_now()
            _forget(connection, moment)
            locked = select(login_failure.c.key).where(login_failure.c.key.in_(keys), login_failure.c.locked_until > moment)
            if connection.execute(locked.order_by(login_failure.c.key).with_for_update()).first():
                return False
            return all(_count(connection, key, moment) for key in sorted(keys))

    def succeeded(self, connection: Connection, name: str, address: str) -> None:
        """Forgets a name's failures and gives the address its attempt back, within the transaction that opens the session."""
        # The address first, as in `begin`: else one waits for the other's name, and the other for its address.
        self.passed(connection, address)
        connection.execute(delete(login_failure).where(login_failure.c.key == _name_key(name)))

    def passed(self, connection: Connection, address: str) -> None:
        """Gives the address its attempt back."""
        given_back = {"failures": login_failure.c.failures - 1, "locked_until": real_now()}
        connection.execute(update(login_failure).where(login_failure.c.key == _address_key(address)).values(**given_back))


def lock_after(failures: int, free: int) -> timedelta:
    """How long the next attempt has to wait: nothing at first, then half a minute, doubling up to a quarter of an hour."""
    if failures < free:
        return timedelta(0)
    doublings: int = 2 ** min(failures - free, 10)
    return min(FIRST_LOCK * doublings, LONGEST_LOCK)


def _count(connection: Connection, key: str, moment: datetime) -> bool:
    table = login_failure
    first = inserting(connection, table).values(key=key, failures=1, at=moment, locked_until=moment)
    counted = first.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={"failures": case((table.c.at < moment - FORGOTTEN, 1), else_=table.c.failures + 1), "at": moment},
        where=table.c.locked_until <= moment,
    ).returning(table.c.failures)
    failures = connection.execute(counted).scalar()
    if failures is None:
        return False
    lock = lock_after(failures, NAME_FREE if key.startswith("name:") else ADDRESS_FREE)
    connection.execute(update(table).where(table.c.key == key).values(locked_until=moment + lock))
    return True


def _forget(connection: Connection, moment: datetime) -> None:
    old = select(login_failure.c.key).where(login_failure.c.at < moment - FORGOTTEN).with_for_update(skip_locked=True)
    connection.execute(delete(login_failure).where(login_failure.c.key.in_(old)))


def _keys(name: str | None, address: str) -> list[str]:
    return [_address_key(address), *([_name_key(name)] if name is not None else [])]


def _name_key(name: str) -> str:
    """Names are hashed: what is typed into the wrong field may be a password."""
    return f"name:{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()}"


def _address_key(address: str) -> str:
    return f"address:{network_of(address)}"
