"""The daily air quality at the city's monitoring stations."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from random import Random

from hub.demo.clock import AS_OF, Clock, cents
from hub.demo.divisions import Division, counties
from hub.demo.rows import AirQuality

DAYS = 30
_POLLUTANTS = ("细颗粒物", "臭氧", "可吸入颗粒物", "二氧化氮")
# Bounds of the index by HJ 633.
_GRADES = ((50, "优"), (100, "良"), (150, "轻度污染"))


def draw_air_quality(rng: Random) -> list[AirQuality]:
    """The last thirty days of one station in each district, oldest first."""
    clock, serial = Clock(rng), count(1)
    return [_day(rng, clock, next(serial), station, district, back) for back in range(DAYS - 1, -1, -1) for station, district in enumerate(counties(), start=1)]


def _day(rng: Random, clock: Clock, number: int, station: int, district: Division, back: int) -> AirQuality:
    day, aqi = AS_OF - timedelta(days=back), min(150, max(12, round(rng.gauss(52, 20))))
    grade = next(name for bound, name in _GRADES if aqi <= bound)
    # HJ 633 names no primary pollutant on days of the first grade.
    pollutant = None if aqi <= 50 else rng.choice(_POLLUTANTS)
    pm25 = cents(rng.randrange(40, 90) * aqi)
    return AirQuality(number, f"GY{station:03d}", f"{district.name}监测站", district.code, day, aqi, pm25, pollutant, grade, clock.moment(day))
