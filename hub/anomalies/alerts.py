"""From a finding to an alert: one for each rule, application, resource and operator as long as it is pending, with an entry in the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row, insert, select, update

from hub.acts import bump, make_id
from hub.anomalies.detectors import Finding
from hub.anomalies.tables import anomaly
from hub.ledger.append import Ledger
from hub.ledger.entry import EntryDraft, Json
from hub.store.base import now
from hub.store.turns import writing

COUNTER = "anomalies"
"""The counter by which other processes see that alerts or throttles changed."""
PENDING = ("OPEN", "ACKNOWLEDGED")
ACTOR = "平台 hub"
log = structlog.get_logger(__name__)


class _Known(Exception):
    """Another process opened the alert first, or it was judged for this hour."""


class Alerts:
    """Opens alerts and lets them grow. Synchronous, for worker threads."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine = engine
        self._ledger = ledger

    def report(self, finding: Finding, usual: int = 0) -> str | None:
        """The number of the alert that was opened; ``None`` where there is one already. ``usual``: calls of the hour that are usual, for a throttle."""
        with self._engine.connect() as connection:
            known = _known(connection, finding)
        if known is not None:
            self._grow(known, finding)
            return None
        number, given = make_id("anomaly"), {**_said(finding), **_throttled(finding, usual)}

        def work(connection: Connection) -> None:
            if _known(connection, finding) is not None:
                raise _Known
            moment = now()
            connection.execute(insert(anomaly).values(id=number, **given, state="OPEN", began=finding.hour, opened_at=moment, changed_at=moment))
            bump(connection, COUNTER)

        try:
            self._ledger.append_sync(self._draft("anomaly.open", number, finding, given["per_minute"]), work)
        except _Known:
            return None
        told = {"rule": finding.rule.id, "application": finding.application, "resource": finding.resource or None}
        log.warning("anomaly", anomaly=number, **told, observed=finding.observed, expected=finding.expected, throttled=given["per_minute"] is not None)
        return number

    def _grow(self, known: Row[Any], finding: Finding) -> None:
        if known.state not in PENDING or (finding.hour <= known.window and finding.observed <= known.observed):
            return
        said = {"window": max(known.window, finding.hour), "last_entry": finding.last, "changed_at": now()}
        said["observed"] = max(known.observed, finding.observed)
        renewed = known.per_minute is not None and known.released_at is None and known.throttled_until <= now()
        if renewed and finding.hour > known.window:
            self._renew(known, finding, said)
            return
        with writing(self._engine) as connection:
            connection.execute(update(anomaly).where(anomaly.c.id == known.id).values(**said))

    def _renew(self, known: Row[Any], finding: Finding, said: dict[str, Any]) -> None:
        """What went on when its throttle had expired is throttled again."""

        def work(connection: Connection) -> None:
            same = (anomaly.c.id == known.id) & (anomaly.c.throttled_until == known.throttled_until)
            if connection.execute(update(anomaly).where(same).values(**said, throttled_until=_until(finding))).rowcount != 1:
                raise _Known
            bump(connection, COUNTER)

        try:
            self._ledger.append_sync(self._draft("anomaly.throttle", known.id, finding, known.per_minute), work)
        except _Known:
            return

    @staticmethod
    def _draft(act: str, number: str, finding: Finding, per_minute: int | None) -> EntryDraft:
        details: dict[str, Json] = {
            "actor": ACTOR,
            "act": act,
            "target": number,
            "alert": True,
            "rule": finding.rule.id,
            "version": finding.version,
            "application": finding.application,
            "resource": finding.resource or None,
            "operator": finding.operator or None,
            "measure": finding.measure,
            "hour": finding.hour,
            "observed": finding.observed,
            "expected": finding.expected,
            "firstEntry": finding.first,
            "lastEntry": finding.last,
            "perMinute": per_minute,
        }
        return EntryDraft(kind="admin", call=make_id("act"), outcome="OK", operation=act, operator=ACTOR, details=details)


def _known(connection: Connection, finding: Finding) -> Row[Any] | None:
    """The alert that is pending, or that was judged for this very hour."""
    column = anomaly.c
    key = {"rule": finding.rule.id, "application": finding.application, "resource": finding.resource, "operator": finding.operator}
    same = [column[name] == value for name, value in key.items()]
    told = column.state.in_(PENDING) | (column.window >= finding.hour)
    return connection.execute(select(anomaly).where(*same, told).order_by(column.state.in_(PENDING).desc(), column.opened_at.desc()).limit(1)).first()


def _said(finding: Finding) -> dict[str, Any]:
    rule = finding.rule
    given = {"rule": rule.id, "version": finding.version, "kind": rule.kind, "severity": rule.severity, "action": rule.action}
    where = {"application": finding.application, "department": finding.department, "resource": finding.resource, "operator": finding.operator}
    what = {"measure": finding.measure, "window": finding.hour, "observed": finding.observed, "expected": finding.expected}
    return {**given, **where, **what, "first_entry": finding.first, "last_entry": finding.last}


def _throttled(finding: Finding, usual: int) -> dict[str, Any]:
    throttle = finding.rule.throttle
    if throttle is None:
        return {"per_minute": None, "throttled_resource": None, "throttled_until": None}
    resource = finding.resource if throttle.scope == "RESOURCE" else ""
    per_minute = max(throttle.per_minute, throttle.times * usual // 60)
    return {"per_minute": per_minute, "throttled_resource": resource, "throttled_until": _until(finding)}


def _until(finding: Finding) -> datetime:
    return now() + timedelta(hours=finding.rule.throttle.hours if finding.rule.throttle else 0)
