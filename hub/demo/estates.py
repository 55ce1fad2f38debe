"""Registered property, and the flats of public rental housing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from hub.demo.clock import AS_OF, Clock, cents
from hub.demo.places import Places
from hub.demo.rows import AffordableFlat, Person, RealEstate

_PROJECTS = ("云岭家园", "筑馨苑", "甲秀新居", "林城人家", "溪畔小区", "金阳安居苑")
_STATES, _STATE_SHARES = ("待分配", "已分配", "维修中"), (25, 70, 5)


def draw_real_estate(rng: Random, adults: Sequence[Person], count: int) -> list[RealEstate]:
    """Properties of adult residents, most of them in the owner's own district."""
    places, clock = Places(rng), Clock(rng)
    by_code = {district.code: district for district in places.districts}
    serials: Counter[str] = Counter()
    rows = []
    for number in range(1, count + 1):
        owner = rng.choice(adults)
        district = by_code[owner.district] if rng.random() < 0.85 else places.district()
        serials[district.code] += 1
        day = clock.day(max(date(2016, 1, 1), min(owner.birth_date + timedelta(days=19 * 366), AS_OF)))
        rows.append(
            RealEstate(
                number,
                _unit(district.code, serials[district.code]),
                f"黔（{day.year}）{district.name}不动产权第{serials[district.code]:07d}号",
                owner.id_number,
                places.home(district),
                cents(rng.randrange(3800, 22000)),
                day,
                rng.random() < 0.35,
                district.code,
                clock.moment(day),
            )
        )
    return rows


def _unit(district: str, serial: int) -> str:
    """A real-estate unit number of 28 characters (GB/T 37346): cadastral district, parcel, building, unit."""
    parcel, unit = divmod(serial, 400)
    return f"{district}{parcel // 50 % 1000:03d}{parcel % 50 + 1:03d}GB{parcel + 1:05d}F0001{unit + 1:04d}"


def draw_flats(rng: Random, count: int) -> list[AffordableFlat]:
    """Flats of public rental housing: 35 to 60 square metres, at 8.50 yuan per square metre and month."""
    places, clock = Places(rng), Clock(rng)
    rows = []
    for number in range(1, count + 1):
        district = places.district()
        area = cents(rng.randrange(3500, 6001))
        rows.append(
            AffordableFlat(
                number,
                f"GZF{district.code}{number:05d}",
                rng.choice(_PROJECTS),
                places.home(district),
                area,
                1 if area < 45 else 2,
                (area * Decimal("8.5")).quantize(Decimal("0.01")),
                rng.choices(_STATES, _STATE_SHARES)[0],
                district.code,
                clock.moment(),
            )
        )
    return rows
