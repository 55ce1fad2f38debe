"""How many callers there are at which moment of a run: the shapes, as functions of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

Curve = Callable[[float, int], int]
"""Callers at a share (0 to 1) of the run, of so many at the peak."""
_STEPS = 10
_SPIKE = (0.4, 0.6)
_BASE = 10
_RISE = 0.05


def ramp(share: float, peak: int) -> int:
    """Ten steps of equal length up to the peak: at which of them do times grow, or errors begin?"""
    return max(1, math.ceil(peak * min(_STEPS, int(share * _STEPS) + 1) / _STEPS))


def spike(share: float, peak: int) -> int:
    """A tenth of the peak, all of it from 40 to 60 % of the run, a tenth again: are times after it what they were before?"""
    return peak if _SPIKE[0] <= share < _SPIKE[1] else max(1, peak // _BASE)


def soak(share: float, peak: int) -> int:
    """Up to the peak within the first twentieth, in five steps, then the same to the end: do times, memory or disk grow?"""
    return max(1, math.ceil(peak * min(5, int(share / _RISE * 5) + 1) / 5))


CURVES: Mapping[str, Curve] = {"ramp": ramp, "spike": spike, "soak": soak}


def callers(name: str, elapsed: float, seconds: float, peak: int) -> int | None:
    """Callers of a shape after so many seconds of a run of ``seconds``; ``None``: the run is over."""
    return CURVES[name](elapsed / seconds, peak) if elapsed < seconds else None
