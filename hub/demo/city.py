"""The whole city, drawn from one seed: every table's rows, in the order of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hub.demo.air import draw_air_quality
from hub.demo.clock import Clock
from hub.demo.companies import draw_companies, draw_licences
from hub.demo.divisions import divisions
from hub.demo.employment import draw_social_insurance, draw_vacancies
from hub.demo.estates import draw_flats, draw_real_estate
from hub.demo.numbers import Numbers
from hub.demo.population import draw_population
from hub.demo.progress import Progress, silent
from hub.demo.rows import canary
from hub.demo.water import draw_accounts, draw_readings

SEED = 2026
FEWEST = 200
"""With fewer people a district may stay empty."""

City = dict[str, Sequence[tuple[object, ...]]]
"""Rows by resource code, e.g. ``civil_affairs.person``."""


def draw_city(persons: int, seed: int = SEED, progress: Progress = silent) -> City:
    """All rows of all departments for a city of ``persons`` residents; the same arguments give the same rows.

    Raises:
        ValueError: fewer than ``FEWEST`` persons.
    """
    if persons < FEWEST:
        raise ValueError(f"a demonstration city needs at least {FEWEST} persons, not {persons}: raise SEED_PERSONS")

    def rng(table: str) -> Random:
        return Random(f"{seed}/{table}")

    numbers = Numbers(rng("numbers"))
    population = draw_population(rng("population"), numbers, persons, progress)
    adults = population.adults()
    companies = draw_companies(rng("company"), numbers, adults, max(60, persons // 10))
    accounts = draw_accounts(rng("water"), population.households)
    clock = Clock(rng("division"))
    return {
        "civil_affairs.person": population.persons,
        "civil_affairs.household": population.households,
        "civil_affairs.adoption": population.adoptions,
        "market_regulation.company": companies,
        "market_regulation.licence": draw_licences(rng("licence"), companies),
        "city_data.division": [(*division, clock.moment(), canary("city_data.division")) for division in divisions()],
        "natural_resources.real_estate": draw_real_estate(rng("real_estate"), adults, persons // 3),
        "human_resources.social_insurance": draw_social_insurance(rng("social_insurance"), adults, companies),
        "human_resources.vacancy": draw_vacancies(rng("vacancy"), companies, 2000),
        "housing.affordable_flat": draw_flats(rng("flat"), 1200),
        "water_supply.account": accounts,
        "water_supply.reading": draw_readings(rng("reading"), accounts),
        "ecology.air_quality": draw_air_quality(rng("air")),
    }
