"""The report on a period's usage, as data: what pages, work sheets and queries show. ``build.py`` makes it; nothing here computes but ratios."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any

from hub.usage.figures import Figures


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one thing: a department, a resource, an application, a purpose, a scenario, an operation, a medium, a month or a day.

    ``code`` is its code (a month ``2026-03``, a day ``2026-03-31``), empty where the log names none; ``name`` and ``name_en`` are empty where none
    is known; ``department`` is the owner of a resource or an application.
    """

    code: str
    figures: Figures
    name: str = ""
    name_en: str = ""
    department: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """What a department of the catalog is called."""

    code: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Flow:
    """Calls from one department on another's resources."""

    consumer: str
    provider: str
    calls: int
    counted: int
    rows: int


@dataclass(frozen=True, slots=True)
class CodeCount:
    """Calls on resources that ended with one error code."""

    code: str
    calls: int


@dataclass(frozen=True, slots=True)
class Discount:
    """Served calls that one rule against inflation did not count. ``text`` and ``text_en`` say the rule in words."""

    rule: str
    text: str
    text_en: str
    calls: int


@dataclass(frozen=True, slots=True)
class UnusedGrant:
    """A grant in force of which no call was served since ``unused_since``: its last served call, or the day from which it holds (again). ``days`` until the end."""

    grant: str
    application: str
    consumer: str
    resource: str
    provider: str
    last_used: date | None
    unused_since: date
    days: int


@dataclass(frozen=True, slots=True)
class UnusedResource:
    """A published resource of which no call was served in the period."""

    resource: str
    name: str
    name_en: str
    department: str
    last_used: date | None


@dataclass(frozen=True, slots=True)
class Punctuality:
    """How a department kept its terms in the period.

    ``answered`` = ``on_time`` + ``late``; ``overdue`` are past their term and still open; ``open`` are within it.
    """

    department: str
    on_time: int
    late: int
    overdue: int
    open: int

    @property
    def answered(self) -> int:
        """What was answered, in time or not."""
        return self.on_time + self.late

    @property
    def rate(self) -> float | None:
        """On time ÷ (answered + overdue), 0 to 1; ``None`` where nothing was to be answered."""
        due = self.answered + self.overdue
        return self.on_time / due if due else None


@dataclass(frozen=True, slots=True)
class Registered:
    """What a department has published in the catalog at the end of the period."""

    department: str
    resources: int
    items: int
    used: int
    """Resources of which a call was served in the period."""


@dataclass(frozen=True, slots=True)
class RulesUsed:
    """A version of the rules against inflation that counted days of the period, ``days`` of them."""

    version: str
    sha256: str
    days: int


@dataclass(frozen=True, slots=True)
class Anchors:
    """What ties the figures to the ledger: its name, the checkpoint at the report's making, and the days whose figures have an entry of their own."""

    log: str
    size: int
    root: str
    """Hexadecimal; empty where nothing is published yet."""
    checkpoint: str
    """The signed note."""
    through: int
    """Entries that the figures rest on: all below this number."""
    days_closed: int
    days_open: int
    """Days whose figures may still grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """Everything about one period. Days are Beijing days (UTC+8), ``since`` and ``until`` both included.

    ``department`` is set where the report is one department's: then ``totals`` and every list hold what it provided or consumed.
    """

    since: date
    until: date
    made_at: datetime
    department: str | None = None
    totals: Figures
    providers: tuple[Line, ...] = ()
    consumers: tuple[Line, ...] = ()
    resources: tuple[Line, ...] = ()
    applications: tuple[Line, ...] = ()
    purposes: tuple[Line, ...] = ()
    scenarios: tuple[Line, ...] = ()
    operations: tuple[Line, ...] = ()
    media: tuple[Line, ...] = ()
    months: tuple[Line, ...] = ()
    days: tuple[Line, ...] = ()
    flows: tuple[Flow, ...] = ()
    codes: tuple[CodeCount, ...] = ()
    discounts: tuple[Discount, ...] = ()
    unused_grants: tuple[UnusedGrant, ...] = ()
    unused_days: int = 90
    """From how many days on a grant counts as unused."""
    unused_resources: tuple[UnusedResource, ...] = ()
    requests: tuple[Punctuality, ...] = ()
    """Answers of providers to access requests."""
    feedback: tuple[Punctuality, ...] | None = None
    """Answers of providers to reported errors; ``None`` where the hub keeps none."""
    registered: tuple[Registered, ...] = ()
    rules: tuple[RulesUsed, ...] = ()
    departments: tuple[Named, ...] = ()
    """Those of the catalog, by code: lists name departments by their codes."""
    anchors: Anchors

    def as_json(self) -> dict[str, Any]:
        """For ``--json`` and queries: camelCase keys, ISO 8601 days, ratios and percentiles beside the figures they are made of."""
        return {_camel(field.name): _json(getattr(self, field.name)) for field in fields(self)}


def _json(value: Any) -> Any:
    if isinstance(value, Figures):
        return value.as_json()
    if isinstance(value, tuple):
        return [_json(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Punctuality):
        return {**asdict(value), "answered": value.answered, "rate": None if value.rate is None else round(value.rate, 4)}
    if hasattr(value, "__dataclass_fields__"):
        return {_camel(field.name): _json(getattr(value, field.name)) for field in fields(value)}
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
