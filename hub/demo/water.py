"""The water company's accounts and monthly readings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import count
from random import Random

from hub.demo.clock import Clock, cents
from hub.demo.rows import Household, WaterAccount, WaterReading

_STATES, _SHARES = ("正常", "欠费", "停用"), (92, 5, 3)
_MONTHS = (date(2026, 7, 31), date(2026, 8, 31))


def draw_accounts(rng: Random, households: Sequence[Household]) -> list[WaterAccount]:
    """An account of most households, in the name of the household's head."""
    clock = Clock(rng)
    served = [household for household in households if rng.random() < 0.9]
    return [_account(rng, clock, household, serial) for serial, household in enumerate(served, start=1)]


def _account(rng: Random, clock: Clock, household: Household, serial: int) -> WaterAccount:
    opened, state = clock.day(date(2005, 1, 1)), rng.choices(_STATES, _SHARES)[0]
    owed = cents(rng.randrange(1200, 60000)) if state == "欠费" else cents(0)
    return WaterAccount(
        f"GS{household.district}{serial:07d}",
        household.head_id_number,
        household.household_no,
        household.address,
        opened,
        state,
        owed,
        household.district,
        clock.moment(opened),
    )


def draw_readings(rng: Random, accounts: Sequence[WaterAccount]) -> list[WaterReading]:
    """Two months of every account that is in use; a closed one has none."""
    clock = Clock(rng)
    return list(_readings(rng, clock, accounts))


def _readings(rng: Random, clock: Clock, accounts: Sequence[WaterAccount]) -> Iterator[WaterReading]:
    serial = count(1)
    for account in accounts:
        if account.state != "停用":
            used = rng.randrange(150, 3200)
            for month in _MONTHS:
                yield WaterReading(next(serial), account.account_no, month, cents(max(0, used + rng.randrange(-150, 150))), clock.moment(month))
