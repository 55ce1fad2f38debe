"""A small report, made by hand: two departments, one of them named by somebody who means harm."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hub.usage.figures import Figures
from hub.usage.report import (
    Anchors,
    CodeCount,
    Discount,
    Flow,
    Line,
    Named,
    Punctuality,
    Registered,
    RulesUsed,
    UnusedGrant,
    UnusedResource,
    UsageReport,
)

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'"
FORMULA = '=HYPERLINK("http://evil.example","民政局")'


def figures(calls: int = 1200, counted: int = 1000) -> Figures:
    """So many calls, of which a hundred were refused and fifty failed."""
    served = calls - 150
    said = {"ok": served - 10, "partial": 10, "refused": 100, "failed": 50, "counted": counted, "rows": 98_765, "bytes": 10**9, "subjects": 4321}
    times = {"timed": served, "ms": served * 8, "ms_max": 9, "le_10": served, "aged": served, "age": served * 5400, "stale": 21, "unavailable": 60}
    return Figures(entries=calls, calls=calls, **said, **times)


def report(department: str | None = None) -> UsageReport:
    """Two months of it."""
    whole = figures()
    lines = (Line("civil", whole, HOSTILE, "Civil affairs"), Line("tax", figures(900, 500), FORMULA, "Tax"))
    return UsageReport(
        since=date(2026, 1, 1),
        until=date(2026, 2, 28),
        made_at=datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC),
        department=department,
        totals=whole,
        providers=lines,
        consumers=lines[::-1],
        resources=tuple(Line(f"civil.r{n}", figures(2000 - n, 800 - n), f"登记{n}", f"Register {n}", "civil") for n in range(40)),
        applications=(Line("app_1", whole, HOSTILE, "", "tax"),),
        purposes=(Line("rent", whole),),
        scenarios=(Line("公租房资格审核", whole),),
        operations=(Line("query", whole),),
        media=(Line("INTERFACE", whole),),
        months=(Line("2026-01", whole), Line("2026-02", figures(800, 640))),
        days=tuple(Line(f"2026-01-{day:02}", figures(200 + day, 50)) for day in range(1, 32)),
        flows=(Flow("tax", "civil", 700, 600, 9000), Flow("civil", "tax", 20, 0, 3), Flow("housing", "civil", 9, 9, 9)),
        codes=(CodeCount("FORBIDDEN", 100), CodeCount("SOURCE_UNAVAILABLE", 50)),
        discounts=(Discount("SELF_CALL", "本部门自调用，不计入", "Own calls are not counted", 50),),
        unused_grants=(UnusedGrant("g1", "app_1", "tax", "civil.r1", "civil", date(2025, 9, 1), date(2025, 9, 1), 180),),
        unused_resources=(UnusedResource("civil.idle", HOSTILE, "Idle", "civil", None),),
        requests=(Punctuality("civil", 6, 1, 1, 5), Punctuality("tax", 0, 0, 0, 2)),
        feedback=(Punctuality("tax", 3, 0, 0, 0),),
        registered=(Registered("civil", 41, 300, 40),),
        rules=(RulesUsed("2017-01-01", "ab" * 32, 59),),
        departments=(Named("civil", HOSTILE, "Civil affairs"), Named("housing", "住建局", "Housing")),
        anchors=Anchors("hub.example/ledger", 5000, "cd" * 32, "hub.example/ledger\n5000\nzc==\n\n— hub.example/ledger sig\n", 5000, 59, 0),
    )
