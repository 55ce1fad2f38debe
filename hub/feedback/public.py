"""Reports of the public 社会公众的反馈 (COR-04): bounded by network address and day, followed by a code that is told once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, select

from hub.api.admission import network_of
from hub.feedback.tables import feedback_pace
from hub.ledger.subjects import Subjects
from hub.sharing.workdays import china_day
from hub.store.base import CHINA, now
from hub.store.turns import writing
from hub.store.upsert import inserting
from schema.faults import Code, Fault

_NETWORK = "network"
_ALL = ""
_NO_HASH = "0" * 64


def make_code() -> str:
    """A look-up code: 128 random bits, hexadecimal."""
    return secrets.token_hex(16)


def hash_code(code: str) -> str:
    """What is stored of a code. It is random: no salt is needed, and no slow hash."""
    return hashlib.sha256(code.encode()).hexdigest()


def holds(code: str | None, code_hash: str | None) -> bool:
    """Whether the code is the case's; as long for a case that does not exist."""
    same = hmac.compare_digest(hash_code(code or ""), code_hash or _NO_HASH)
    return same and bool(code) and code_hash is not None


@dataclass(frozen=True, slots=True)
class Pace:
    """How much the public may report in a day (China's), per network and altogether; counted for all processes."""

    engine: Engine
    subjects: Subjects
    most_each: int
    most_all: int

    def check(self, address: str) -> None:
        """Looks whether one more report may be filed.

        Raises:
            Fault: ``RATE_LIMITED`` for the network, ``QUOTA_EXCEEDED`` for all.
        """
        with self.engine.connect() as connection:
            self._check(connection, self._network(address))

    def take(self, connection: Connection, address: str) -> None:
        """Counts one report, within the transaction of its entry.

        Raises:
            Fault: as ``check``.
        """
        network = self._network(address)
        self._check(connection, network)
        for name in (network, _ALL):
            first = inserting(connection, feedback_pace).values(day=_today(), network=name, reports=1)
            keys = list(feedback_pace.primary_key.columns)
            connection.execute(first.on_conflict_do_update(index_elements=keys, set_={"reports": feedback_pace.c.reports + 1}))

    def _network(self, address: str) -> str:
        return self.subjects.hash(_NETWORK, network_of(address))

    def _check(self, connection: Connection, network: str) -> None:
        table = feedback_pace.c
        rows = connection.execute(select(table.network, table.reports).where(table.day == _today(), table.network.in_((network, _ALL))))
        counts = {row.network: row.reports for row in rows}
        if counts.get(network, 0) >= self.most_each:
            zh, en = "该网络地址今日提交的反馈已达上限", "this network address has filed as many reports as it may in a day"
            raise Fault(Code.RATE_LIMITED, zh, en, "请明日再试，或以令牌提交", "try again tomorrow, or report with a token", retry_after=_left())
        if counts.get(_ALL, 0) >= self.most_all:
            zh, en = "今日未携带令牌的反馈已达上限", "as many reports as may come without a token in a day were filed"
            raise Fault(Code.QUOTA_EXCEEDED, zh, en, "请明日再试，或以令牌提交", "try again tomorrow, or report with a token", retry_after=_left())


def is_old(connection: Connection) -> bool:
    """Whether counts of days that are over are kept."""
    return connection.execute(select(feedback_pace.c.day).where(feedback_pace.c.day < _before()).limit(1)).first() is not None


def forget_paces(engine: Engine) -> None:
    """Deletes the counts of days that are over; a day is kept so that clocks of several hubs may differ."""
    with writing(engine) as connection:
        connection.execute(delete(feedback_pace).where(feedback_pace.c.day < _before()))


def _before() -> str:
    return (china_day(now()) - timedelta(days=1)).isoformat()


def _today() -> str:
    return china_day(now()).isoformat()


def _left() -> int:
    """Seconds until the day ends in China."""
    moment = now().astimezone(CHINA)
    midnight = datetime.combine(moment.date() + timedelta(days=1), datetime.min.time(), CHINA)
    return max(1, int((midnight - moment).total_seconds()))
