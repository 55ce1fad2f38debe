"""How much verification and looking-up a department has in a day, and what it is told when that is used up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from hub.settings import Settings
from hub.store.base import CHINA
from schema.faults import Code, Fault

WINDOW_DAYS = 30
"""The long period of claims: this many days, the present one among them."""


class Budget(Enum):
    """What can be used up: its name in the ledger and the log, and its words in Chinese and English."""

    CLAIMS_DAY = "claims_day", "对同一对象同一信息项的不同声明值", "distinct claims about one item of one subject"
    CLAIMS_MONTH = "claims_30_days", "30 日内对同一对象同一信息项的不同声明值", "distinct claims in 30 days about one item of one subject"
    SUBJECTS = "subjects_day", "当日核验的不同对象", "distinct subjects verified in the day"
    MISMATCHES = "mismatches_day", "当日核验未匹配对象的比例", "subjects verified in the day without a match"
    MISSES = "misses_day", "当日按标识查询而无结果的次数", "look-ups of the day that found nothing"

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code = code
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings: distinct claims per subject and item, subjects and misses per day, and from how many subjects on what share may be unmatched."""

    claims_day: int = 10
    claims_month: int = 50
    subjects: int = 50_000
    ratio_from: int = 1_000
    ratio_percent: int = 50
    misses: int = 2_000

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Those of a hub."""
        return cls(
            settings.verification_claims_per_day,
            settings.verification_claims_per_30_days,
            settings.verification_subjects_per_day,
            settings.verification_mismatch_from,
            settings.verification_mismatch_percent,
            settings.lookup_misses_per_day,
        )


class OverBudget(Fault):
    """``VERIFICATION_BUDGET``: nothing of the call is answered. It says nothing that depends on what the source holds of the subject."""

    def __init__(self, budget: Budget, consumer: str, resource: str, subject: str | None, free: datetime | None, moment: datetime) -> None:
        seconds = None if free is None else max(1, -int((moment - free).total_seconds() // 1))
        super().__init__(
            Code.VERIFICATION_BUDGET,
            f"{resource} 的核验预算已用完或不足：{budget.zh}",
            f"the verification budget for {resource} is used up, or too small for this call: {budget.en}",
            "请核对声明值来源，减少试验，按 Retry-After 重试" if free else "请减少一次调用中的声明",
            "check where the claims come from, try less, and again after Retry-After" if free else "claim less in one call",
            lasting=free is None,
            retry_after=seconds,
        )
        self.budget = budget
        self.consumer = consumer
        self.resource = resource
        self.subject = subject

    @property
    def details(self) -> dict[str, Any]:
        """What the ledger's entry says besides."""
        made = {"alert": True, "budget": self.budget.code, "resource": self.resource}
        return made if self.subject is None else {**made, "subject": self.subject}


def day_of(moment: datetime) -> str:
    """The day of a moment in China's time."""
    return moment.astimezone(CHINA).date().isoformat()


def days_after(day: str, days: int) -> str:
    """The day so many days later."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def begin_of(day: str) -> datetime:
    """The day's first moment."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), CHINA)
