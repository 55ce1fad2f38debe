"""What people do with alerts: look at them, judge them, release a throttle. Each step is an entry in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, Row, and_, func, or_, select, update

from hub.acts import Actor, Acts, bump
from hub.anomalies.alerts import COUNTER, PENDING
from hub.anomalies.tables import anomaly
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import SECURITY
from hub.sharing.texts import NOT_PLAIN, is_plain
from hub.store.base import now

MOST_TEXT = 2000
"""Characters of an opinion."""


class Verdict(Enum):
    """What becomes of an alert."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    CONFIRMED = "CONFIRMED"
    FALSE_ALARM = "FALSE_ALARM"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One alert; as ``hub.anomalies.tables.anomaly``, with ``None`` for an empty resource or operator. ``throttled``: the throttle holds now."""

    id: str
    rule: str
    version: str
    kind: str
    severity: str
    application: str
    department: str
    resource: str | None
    operator: str | None
    measure: str
    began: str
    window: str
    observed: int
    expected: int
    first_entry: int | None
    last_entry: int | None
    state: str
    opened_at: datetime
    judged_by: str | None
    judged_at: datetime | None
    opinion: str | None
    per_minute: int | None
    throttled: bool
    throttled_until: datetime | None
    released_by: str | None
    released_at: datetime | None
    release_opinion: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts: all that is given must hold. ``provider``: only those that name a resource of this department."""

    state: str | None = None
    application: str | None = None
    provider: str | None = None


class AnomalyService:
    """Synchronous, for worker threads."""

    def __init__(self, engine: Engine, acts: Acts) -> None:
        self._engine = engine
        self._acts = acts

    def find(self, wanted: Wanted, first: int, after: str | None = None) -> list[Anomaly]:
        """Alerts, newest first, behind the one of number ``after``."""
        column = anomaly.c
        where = [column[name] == value for name, value in (("state", wanted.state), ("application", wanted.application)) if value is not None]
        if wanted.provider is not None:
            where.append(column.resource.startswith(f"{wanted.provider}.", autoescape=True))
        statement = select(anomaly).where(*where).order_by(column.opened_at.desc(), column.id.desc()).limit(first)
        with self._engine.connect() as connection:
            if after is not None and (last := _row(connection, after)) is not None:
                behind = or_(column.opened_at < last.opened_at, and_(column.opened_at == last.opened_at, column.id < last.id))
                statement = statement.where(behind)
            return [_made(row) for row in connection.execute(statement)]

    def get(self, number: str) -> Anomaly:
        """One alert.

        Raises:
            Refused: there is none of this number.
        """
        with self._engine.connect() as connection:
            return _made(_found(connection, number))

    def judge(self, actor: Actor, number: str, verdict: Verdict, opinion: str) -> Anomaly:
        """Takes note of an alert, confirms it, or calls it a false alarm, which releases its throttle and lets its hours count as usual again.

        Raises:
            Refused: by role, without an opinion, or where it was judged already.
        """
        act, text = "anomaly.judge", self._checked(actor, "anomaly.judge", number, opinion)

        def work(connection: Connection) -> Row[Any]:
            row = _found(connection, number)
            if row.state not in PENDING or row.state == verdict.value:
                raise Refused(Problem("CONFLICT", f"预警已处理 the alert is {row.state} already", f"huitong anomaly show {row.id}", "id"))
            moment = now()
            said: dict[str, Any] = {"state": verdict.value, "judged_by": actor.name, "judged_at": moment, "opinion": text, "changed_at": moment}
            if verdict is Verdict.FALSE_ALARM and row.per_minute is not None and row.released_at is None:
                said |= {"released_by": actor.name, "released_at": moment, "release_opinion": text}
            return _changed(connection, row, said)

        return _made(self._acts.do(actor, act, number, work, {"alert": True, "verdict": verdict.value, "opinion": text}))

    def release(self, actor: Actor, number: str, opinion: str) -> Anomaly:
        """Ends a throttle before its time; the alert stays as it is.

        Raises:
            Refused: by role, without an opinion, or where nothing is throttled.
        """
        act, text = "anomaly.release", self._checked(actor, "anomaly.release", number, opinion)

        def work(connection: Connection) -> Row[Any]:
            row = _found(connection, number)
            if not _throttled(row):
                raise Refused(Problem("CONFLICT", "该预警未限速或限速已解除 nothing is throttled by this alert", f"huitong anomaly show {row.id}", "id"))
            moment = now()
            return _changed(connection, row, {"released_by": actor.name, "released_at": moment, "release_opinion": text, "changed_at": moment})

        return _made(self._acts.do(actor, act, number, work, {"alert": True, "opinion": text}))

    def _checked(self, actor: Actor, act: str, number: str, opinion: str) -> str:
        if not actor.may(SECURITY):
            self._refuse(actor, act, number, Problem("FORBIDDEN", f"需要权限 needs {SECURITY}", "", "input"))
        if not 0 < len(opinion.strip()) <= MOST_TEXT:
            self._refuse(actor, act, number, Problem("BAD_INPUT", f"opinion 应为 1 至 {MOST_TEXT} 个字符 must have 1 to {MOST_TEXT} characters", "", "opinion"))
        if not is_plain(opinion):
            self._refuse(actor, act, number, Problem("BAD_INPUT", f"opinion: {NOT_PLAIN}", "请去除 remove them", "opinion"))
        return opinion.strip()

    def _refuse(self, actor: Actor, act: str, number: str, problem: Problem) -> NoReturn:
        self._acts.refuse(actor, act, number, problem)
        raise Refused(problem)


def count_pending(connection: Connection) -> int:
    """Alerts that nobody has judged."""
    return int(connection.execute(select(func.count()).select_from(anomaly).where(anomaly.c.state.in_(PENDING))).scalar_one())


def _changed(connection: Connection, row: Row[Any], said: dict[str, Any]) -> Row[Any]:
    connection.execute(update(anomaly).where(anomaly.c.id == row.id).values(**said))
    bump(connection, COUNTER)
    return _found(connection, row.id)


def _row(connection: Connection, number: str) -> Row[Any] | None:
    return connection.execute(select(anomaly).where(anomaly.c.id == number)).first()


def _found(connection: Connection, number: str) -> Row[Any]:
    row = _row(connection, number)
    if row is None:
        raise Refused(Problem("NOT_FOUND", f"没有预警 no alert {number[:120]}", "huitong anomaly list", "id"))
    return row


def _throttled(row: Row[Any]) -> bool:
    return row.per_minute is not None and row.released_at is None and row.throttled_until > now()


def _made(row: Row[Any]) -> Anomaly:
    said = {name: value for name, value in row._mapping.items() if name not in ("action", "changed_at", "throttled_resource")}
    return Anomaly(**{**said, "resource": row.resource or None, "operator": row.operator or None, "throttled": _throttled(row)})
