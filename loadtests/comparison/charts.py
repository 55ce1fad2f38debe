"""Drawings of the comparison as SVG, each complete in itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, ROW = 860, 210, 96, 24
_TOP, _BOTTOM = 10, 26
_HUB, _LIMIT, _PEER = "#0f6e6e", "#5b6470", "#b9793a"


@dataclass(frozen=True)
class Line:
    """One line of a drawing: a bar or a stretch from ``low`` to ``high`` with marks on it."""

    name: str
    value: float
    low: float
    high: float
    shown: str
    """What stands at its right end."""
    also: float = 0.0
    """A second bar, thin and pale, below the first."""
    marks: tuple[float, ...] = ()


def colour(name: str) -> str:
    """Hubs, limits and peers are told apart."""
    if name.startswith("hub"):
        return _HUB
    return _LIMIT if name.startswith("limit") else _PEER


def number(value: float) -> str:
    """Three digits that say something."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


@dataclass(frozen=True)
class Scale:
    """A logarithmic scale over whole decades, or parts of them where all lies close together."""

    least: float
    most: float

    @classmethod
    def around(cls, values: Sequence[float]) -> Scale:
        """That shows all of these."""
        positive = [value for value in values if value > 0] or [1.0]
        return cls(10 ** math.floor(math.log10(min(positive))), 10 ** math.ceil(math.log10(max(positive) * 1.001)))

    def at(self, value: float) -> float:
        """Where a value lies, in units of the drawing."""
        inside = min(max(value, self.least), self.most)
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(inside / self.least) / math.log(self.most / self.least)

    def ticks(self) -> list[float]:
        """Powers of ten, and where there are few of them, twice and five times of these."""
        decades = range(round(math.log10(self.least)), round(math.log10(self.most)) + 1)
        steps = (1, 2, 5) if len(decades) <= 3 else (1,)
        return [step * 10.0**power for power in decades for step in steps if self.least <= step * 10.0**power <= self.most * 1.0001]


def bars(lines: Sequence[Line], scale: Scale, unit: str) -> str:
    """A bar for each, its rounds' least and most as a line over it."""
    drawn = []
    for place, line in enumerate(lines):
        y = _TOP + place * ROW
        drawn += [
            f'<rect x="{LEFT}" y="{y + 3}" width="{scale.at(line.value) - LEFT:.1f}" height="12" fill="{colour(line.name)}"/>',
            f'<path d="M{scale.at(line.low):.1f} {y + 9}H{scale.at(line.high):.1f}" stroke="#111" stroke-width="1.5"/>',
        ]
        if line.also > scale.least:
            drawn.append(f'<rect x="{LEFT}" y="{y + 16}" width="{scale.at(line.also) - LEFT:.1f}" height="4" fill="#9fb3c8"/>')
        drawn.append(_words(line, y))
    return _whole(drawn, len(lines), scale, unit)


def stretches(lines: Sequence[Line], scale: Scale, unit: str) -> str:
    """From one value to another, as from p50 to p99."""
    drawn = []
    for place, line in enumerate(lines):
        y = _TOP + place * ROW + 11
        drawn += [
            f'<path d="M{scale.at(line.low):.1f} {y}H{scale.at(line.high):.1f}" stroke="{colour(line.name)}" stroke-width="3" opacity=".45"/>',
            f'<circle cx="{scale.at(line.low):.1f}" cy="{y}" r="5" fill="{colour(line.name)}"/>',
            f'<path d="M{scale.at(line.high):.1f} {y - 6}v12" stroke="{colour(line.name)}" stroke-width="2.5"/>',
            _words(line, y - 11),
        ]
    return _whole(drawn, len(lines), scale, unit)


def strips(lines: Sequence[Line], scale: Scale, unit: str, bound: float = 1.0) -> str:
    """A ring for each round, a stroke at the median, and a line at ``bound``."""
    height = _TOP + len(lines) * ROW
    drawn = [f'<path d="M{scale.at(bound):.1f} {_TOP - 4}V{height}" stroke="#111" stroke-dasharray="3 3"/>']
    for place, line in enumerate(lines):
        y = _TOP + place * ROW + 11
        drawn += [f'<circle cx="{scale.at(mark):.1f}" cy="{y}" r="4.5" fill="none" stroke="{_HUB}" stroke-width="1.6"/>' for mark in line.marks]
        drawn += [f'<path d="M{scale.at(line.value):.1f} {y - 8}v16" stroke="{_HUB}" stroke-width="3"/>', _words(line, y - 11)]
    return _whole(drawn, len(lines), scale, unit)


def _words(line: Line, y: float) -> str:
    name = f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(line.name)}</text>'
    return f'{name}<text class="v" x="{WIDTH - 4}" y="{y + 15}" text-anchor="end">{escape(line.shown)}</text>'


def _whole(drawn: Sequence[str], lines: int, scale: Scale, unit: str) -> str:
    bottom = _TOP + lines * ROW + 2
    grid = []
    for tick in scale.ticks():
        x = scale.at(tick)
        shown = number(tick) if tick >= 1000 else f"{tick:g}"
        grid.append(
            f'<path d="M{x:.1f} {_TOP - 4}V{bottom}" stroke="#dde2e8"/><text class="t" x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{shown}</text>'
        )
    unit_text = f'<text class="t" x="{WIDTH - 4}" y="{bottom + 15}" text-anchor="end">{escape(unit)}</text>'
    return f'<svg viewBox="0 0 {WIDTH} {bottom + _BOTTOM}" role="img">{"".join(grid)}{"".join(drawn)}{unit_text}</svg>'
