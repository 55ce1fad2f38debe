"""Quotas of grants: what a period has used, counted in the transaction of the call's own ledger entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select, update

from auth.rights import Decision, Quota
from hub.sharing.tables import grant_usage
from hub.store.base import CHINA, now
from schema.faults import Code, Fault

_FORMATS = {"HOUR": "%Y-%m-%dT%H", "DAY": "%Y-%m-%d", "MONTH": "%Y-%m"}


def period_of(quota: Quota, moment: datetime) -> str:
    """The period of the moment, in China's time."""
    return moment.astimezone(CHINA).strftime(_FORMATS[quota.per])


def limited(decisions: Sequence[Decision]) -> list[Decision]:
    """Decisions whose grants have a quota."""
    return [d for d in decisions if d.quota is not None and d.grant is not None]


def check_quota(engine: Engine, decisions: Sequence[Decision]) -> None:
    """Refuses early a call whose grants are used up already; :func:`usage` decides.

    Raises:
        Fault: ``QUOTA_EXCEEDED``.
    """
    moment = now()
    with engine.connect() as connection:
        for decision in decisions:
            calls, rows = _used(connection, decision, moment)
            _check(decision, calls + 1, rows, moment)


def usage(decisions: Sequence[Decision], rows: Mapping[str, int]) -> Callable[[Connection], None]:
    """Work for the entry's transaction: adds one call, and the rows taken of each resource.

    It raises ``QUOTA_EXCEEDED`` where that is more than the grant gives: then there is no entry of success, and no data.
    Calls at once are serialised by the ledger's transaction, so that none slips through.
    """
    moment = now()

    def count(connection: Connection) -> None:
        for decision in decisions:
            if decision.quota is None:
                continue
            added = rows.get(decision.resource, 0)
            calls, taken = _used(connection, decision, moment)
            _check(decision, calls + 1, taken + added, moment)
            key = {"grant": decision.grant, "period": period_of(decision.quota, moment)}
            same = (grant_usage.c.grant == key["grant"]) & (grant_usage.c.period == key["period"])
            changed = connection.execute(update(grant_usage).where(same).values(calls=calls + 1, rows=taken + added))
            if changed.rowcount == 0:
                connection.execute(insert(grant_usage).values(**key, calls=1, rows=added))

    return count


def _used(connection: Connection, decision: Decision, moment: datetime) -> tuple[int, int]:
    if decision.quota is None:
        return 0, 0
    period = period_of(decision.quota, moment)
    found = connection.execute(select(grant_usage).where(grant_usage.c.grant == decision.grant, grant_usage.c.period == period)).first()
    return (found.calls, found.rows) if found else (0, 0)


def _check(decision: Decision, calls: int, rows: int, moment: datetime) -> None:
    quota = decision.quota
    if quota is None or ((quota.calls is None or calls <= quota.calls) and (quota.rows is None or rows <= quota.rows)):
        return
    raise Fault(
        Code.QUOTA_EXCEEDED,
        f"{decision.resource} 的授权额度已用完或不足（{period_of(quota, moment)}）",
        f"the grant's quota for {decision.resource} is used up, or too small for this call ({period_of(quota, moment)})",
        "请减少读取、在下一周期重试，或申请提高额度",
        "take less, try again in the next period, or apply for a higher quota",
    )
