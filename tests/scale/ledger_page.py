"""How a ledger grows, as a page and a drawing."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from math import log10
from pathlib import Path

EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence"
_TEXT = """# How the ledger grows

{about}. A made-up year of a city (tests/scale/year.py): 60 departments, 300 resources, 200 applications, a million persons; {entries} entries in
SQLite, in signed batches of 16. The year is the same at every size: smaller ones are its beginning. Repeat: `python -m tests.scale.ledger`.

![Times by size](ledger-growth.svg)

## Times

Milliseconds, the median and in brackets the longest of 200 questions (40 of operators, 5 of usage), drawn at random.

{times}

## Size on disk

Bytes.

{bytes}

## Rates

{rates}
"""


@dataclass
class Point:
    """What was measured at one size."""

    entries: int
    times: dict[str, tuple[float, float]] = field(default_factory=dict)
    bytes: dict[str, float] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)


def write_page(points: Sequence[Point], folder: Path) -> Path:
    """Writes ``ledger-growth.md`` and ``ledger-growth.svg``; the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "ledger-growth.md"
    times = [{name: f"{_number(middle)} ({_number(most)})" for name, (middle, most) in point.times.items()} for point in points]
    text = _TEXT.format(
        about=_about(),
        entries=f"{points[-1].entries:,}",
        times=_table(points, times),
        bytes=_table(points, [{name: _number(value) for name, value in point.bytes.items()} for point in points]),
        rates=_table(points, [{name: _number(value) for name, value in point.rates.items()} for point in points]),
    )
    page.write_text(text, encoding="utf-8")
    (folder / "ledger-growth.svg").write_text(drawing(points), encoding="utf-8")
    return page


def _table(points: Sequence[Point], columns: Sequence[Mapping[str, str]]) -> str:
    names = dict.fromkeys(name for column in columns for name in column)
    head = ["| | " + " | ".join(f"{point.entries:,}" for point in points) + " |", "| --- |" + " --- |" * len(points)]
    return "\n".join([*head, *(f"| {name} | " + " | ".join(column.get(name, "") for column in columns) + " |" for name in names)])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _about() -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout.strip()
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    return f"{datetime.now(UTC).isoformat(timespec='seconds')}, commit {commit or 'unknown'}, {system}"


_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 860, 380, 60, 330, 40, 40
_COLOURS = ("#1f5a92", "#c2572b", "#3f8f4f", "#8a5aa8", "#b08a1e", "#5b6b7b", "#d0679a", "#2a9d9d", "#7a4a2a")
_LOW, _HIGH = -2.0, 4.0
"""Powers of ten of milliseconds that are drawn."""


def drawing(points: Sequence[Point]) -> str:
    """Median times over the number of entries, both by powers of ten."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="14">Median time (ms) by entries in the ledger</text>',
    ]
    for power in range(int(_LOW), int(_HIGH) + 1):
        y = _y(10.0**power)
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    parts += [f'<text x="{_x(points, i):.1f}" y="{_HEIGHT - 14}" text-anchor="middle">{point.entries:,}</text>' for i, point in enumerate(points)]
    for number, name in enumerate(points[-1].times):
        colour = _COLOURS[number % len(_COLOURS)]
        line = " ".join(f"{_x(points, i):.1f},{_y(point.times[name][0]):.1f}" for i, point in enumerate(points))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<rect x="{_WIDTH - _RIGHT + 20}" y="{_TOP + 24 * number}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{_WIDTH - _RIGHT + 38}" y="{_TOP + 24 * number + 11}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _x(points: Sequence[Point], index: int) -> float:
    return _LEFT + 20 + (_WIDTH - _LEFT - _RIGHT - 60) * index / max(1, len(points) - 1)


def _y(value: float) -> float:
    power = min(max(log10(max(value, 1e-9)), _LOW), _HIGH)
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (power - _LOW) / (_HIGH - _LOW))
