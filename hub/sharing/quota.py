"""Quotas of grants: what a period has used, counted in the transaction of the call's own ledger entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone

from sqlalchemy import Connection, Engine, insert, select, update

from auth.rights import Decision, Quota
from hub.sharing.tables import grant_usage
from hub.store.base import now
from schema.faults import Code, Fault

CHINA = timezone(timedelta(hours=8))
_FORMATS = {"HOUR": "%Y-%m-%dT%H", "DAY": "%Y-%m-%d", "MONTH": "%Y-%m"}


def period_of(quota: Quota, moment: datetime) -> str:
    """The period of the moment, in China's time."""
    return moment.astimezone(CHINA).strftime(_FORMATS[quota.per])


def limited(decisions: Sequence[Decision]) -> list[Decision]:
    """Decisions whose grants have a quota."""
    return [d for d in decisions if d.quota is not None and d.grant is not None]


def check_quota(engine: Engine, decisions: Sequence[Decision]) -> None:
    """Refuses a call whose grants are used up.

    Raises:
        Fault: ``QUOTA_EXCEEDED``.
    """
    moment = now()
    with engine.connect() as connection:
        for decision in decisions:
            quota = decision.quota
            if quota is None:
                continue
            period = period_of(quota, moment)
            used = connection.execute(select(grant_usage).where(grant_usage.c.grant == decision.grant, grant_usage.c.period == period)).first()
            if used and ((quota.calls is not None and used.calls >= quota.calls) or (quota.rows is not None and used.rows >= quota.rows)):
                raise Fault(
                    Code.QUOTA_EXCEEDED,
                    f"{decision.resource} 的授权额度已用完({period})",
                    f"the grant's quota for {decision.resource} is used up ({period})",
                    "请在下一周期重试，或申请提高额度",
                    "try again in the next period, or apply for a higher quota",
                )


def usage(decisions: Sequence[Decision], rows: dict[str, int]) -> Callable[[Connection], None]:
    """Work for the entry's transaction: adds one call, and the rows taken of each resource."""
    moment = now()

    def count(connection: Connection) -> None:
        for decision in decisions:
            if decision.quota is None:
                continue
            key = {"grant": decision.grant, "period": period_of(decision.quota, moment)}
            same = (grant_usage.c.grant == key["grant"]) & (grant_usage.c.period == key["period"])
            added = rows.get(decision.resource, 0)
            changed = connection.execute(update(grant_usage).where(same).values(calls=grant_usage.c.calls + 1, rows=grant_usage.c.rows + added))
            if changed.rowcount == 0:
                connection.execute(insert(grant_usage).values(**key, calls=1, rows=added))

    return count
