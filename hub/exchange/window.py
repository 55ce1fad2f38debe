"""The hours in which a source may be read by batch exchange, as its department set them (``window`` in the manifest)."""

from __future__ import annotations

from datetime import datetime

from hub.store.base import CHINA

ALWAYS = "00:00-24:00"


def is_open(window: str, moment: datetime) -> bool:
    """Whether the moment lies in the window, in China's time. A window like ``22:00-06:00`` goes over midnight."""
    begin, end = (_minutes(part) for part in window.split("-"))
    local = moment.astimezone(CHINA)
    minute = local.hour * 60 + local.minute
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
