"""Social insurance of residents who work, and the vacancies of companies in business."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from hub.demo.clock import AS_OF, Clock, cents
from hub.demo.companies import IN_BUSINESS
from hub.demo.population import age_on
from hub.demo.rows import Company, Person, SocialInsurance, Vacancy

_STATES, _STATE_SHARES = ("参保缴费", "暂停缴费", "终止参保"), (86, 10, 4)
_TITLES = (
    "数据标注员",
    "物流调度员",
    "餐厅服务员",
    "会计",
    "软件工程师",
    "仓库管理员",
    "客服专员",
    "电工",
    "幼儿教师",
    "护士",
    "施工员",
    "销售代表",
    "厨师",
    "保洁员",
)
_RETIREMENT, _INSURED = 60, 0.62


def draw_social_insurance(rng: Random, adults: Sequence[Person], companies: Sequence[Company]) -> list[SocialInsurance]:
    """One record for each of about three in five residents of working age; employers are companies in business."""
    clock = Clock(rng)
    employers = [company for company in companies if company.status == IN_BUSINESS]
    insured = (person for person in adults if age_on(person, AS_OF) < _RETIREMENT and rng.random() < _INSURED)
    return [_record(rng, clock, person, rng.choice(employers), serial) for serial, person in enumerate(insured, start=1)]


def _record(rng: Random, clock: Clock, person: Person, employer: Company, serial: int) -> SocialInsurance:
    since = clock.day(max(employer.registered_on, person.birth_date + timedelta(days=18 * 366)))
    base = cents(rng.randrange(400000, 2200000))
    state = rng.choices(_STATES, _STATE_SHARES)[0]
    return SocialInsurance(f"SB520100{serial:010d}", person.id_number, employer.uscc, since, state, base, person.district, clock.moment(since))


def draw_vacancies(rng: Random, companies: Sequence[Company], count: int) -> list[Vacancy]:
    """Vacancies posted within the last year; pay is in hundreds of yuan."""
    clock = Clock(rng)
    employers = [company for company in companies if company.status == IN_BUSINESS]
    rows = []
    for serial in range(1, count + 1):
        employer = rng.choice(employers)
        pay = cents(rng.randrange(25, 200) * 10_000)
        posted = clock.day(max(employer.registered_on, date(2025, 9, 1)))
        rows.append(
            Vacancy(f"ZP2026{serial:06d}", rng.choice(_TITLES), employer.uscc, rng.randint(1, 20), pay, posted, employer.district, clock.moment(posted)),
        )
    return rows
