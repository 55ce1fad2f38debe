"""What was measured as a page and a drawing."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from loadtests.report import Figure, Report

_TEXT = """# What the hub costs

{about}. Repeat on a quiet machine: `make bench`. CPU times are of whole processes, by their own clocks, so that what else the machine does matters
less than to times on the wall; a figure is the median of all rounds, a ratio that of two medians, in brackets the quarter and three quarters of rounds or
blocks of rounds.

![CPU per call](bench.svg)

{reports}
"""


def write_page(reports: Sequence[Report], folder: Path) -> Path:
    """Writes ``bench.md`` and ``bench.svg``; the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [f"## {report.title}\n\n{report.about}\n\n{table(report)}" for report in reports]
    page = folder / "bench.md"
    page.write_text(_TEXT.format(about=about(), reports="\n\n".join(parts)), encoding="utf-8")
    (folder / "bench.svg").write_text(drawing(reports), encoding="utf-8")
    return page


def table(report: Report) -> str:
    """A report's figures as a Markdown table."""
    rows = [f"| {figure.name} | {shown(figure)} | {_wanted(figure)} |" for figure in report.figures]
    return "\n".join(["| | | wanted |", "| --- | --- | --- |", *rows])


def shown(figure: Figure) -> str:
    """``1.05 (0.98 to 1.12)``, with the unit."""
    text = " ".join(part for part in (_number(figure.value), figure.unit) if part)
    return text if figure.spread is None else f"{text} ({' to '.join(map(_number, figure.spread))})"


def _wanted(figure: Figure) -> str:
    return "" if figure.wanted is None else f"{'≥' if figure.least else '≤'} {_number(figure.wanted)}: {'held' if figure.held else '**not held**'}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"


def about() -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout.strip()
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    return f"{datetime.now(UTC).isoformat(timespec='seconds')}, commit {commit or 'unknown'}, {system}"


_WIDTH, _LEFT, _ROW = 760, 300, 22
_COLOURS = ("#8aa4bf", "#c2572b")


def drawing(reports: Sequence[Report]) -> str:
    """A bar for every figure in milliseconds, and a line over its spread."""
    drawn = [(report.title, [figure for figure in report.figures if figure.unit == "ms"]) for report in reports]
    most = max([figure.spread[1] if figure.spread else figure.value for _, figures in drawn for figure in figures] + [1.0])
    height = 20 + _ROW * sum(len(figures) + 2 for _, figures in drawn)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    top = 24
    for title, figures in drawn:
        parts.append(f'<text x="12" y="{top}" font-size="14">{escape(title)}</text>')
        for place, figure in enumerate(figures, 1):
            parts += _bar(figure, top + place * _ROW, (_WIDTH - _LEFT - 100) / most, _COLOURS[figure.name.startswith("the hub")])
        top += _ROW * (len(figures) + 2)
    return "\n".join([*parts, "</svg>", ""])


def _bar(figure: Figure, base: float, scale: float, colour: str) -> list[str]:
    end = _LEFT + figure.value * scale
    made = [
        f'<text x="{_LEFT - 8}" y="{base}" text-anchor="end">{escape(figure.name)}</text>',
        f'<rect x="{_LEFT}" y="{base - 11}" width="{end - _LEFT:.1f}" height="14" fill="{colour}"/>',
        f'<text x="{_WIDTH - 12}" y="{base}" text-anchor="end">{_number(figure.value)} ms</text>',
    ]
    if figure.spread is not None:
        low, high = (_LEFT + value * scale for value in figure.spread)
        made.append(f'<line x1="{low:.1f}" y1="{base - 4}" x2="{high:.1f}" y2="{base - 4}" stroke="#333"/>')
    return made
