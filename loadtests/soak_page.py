"""What a soak has found, as a page and a drawing."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Protocol

from tests.soak.load import Outcome

_GROWN = 8


class Sample(Protocol):
    """What is drawn of one moment."""

    seconds: float
    rss: float
    blocks: int


@dataclass(frozen=True)
class Verdict:
    """Whether the memory is called flat, why, and which types of objects grew."""

    held: bool
    words: str
    grown: Iterable[tuple[str, int]]


_TEXT = """# Memory under load

{moment}, commit {commit}, {system}, Python {python}, {cpus} CPUs. Repeat: `make soak-memory`.

A demonstration hub of 2,000 residents, {minutes:.1f} minutes of calls at a fixed rate: look-ups by ID number, lists of up to 300 rows, links, verifications, documents that are refused, and
documents of 1 KiB of which no two are alike, so that every cache of documents, plans and statements fills up and has to let go. Every ten seconds a look at its memory:
[soak.csv](soak.csv).

![Memory over time](soak.svg)

**{verdict}**: {words}. A cache that fills is no leak, so the first third is not judged.

| calls | | wrong | p50 | p99 |
| --- | --- | --- | --- | --- |
{rows}

{wrong}Types of objects of which there were more at the end than after the first third: {grown}.
"""


def write(samples: Sequence[Sample], outcomes: Mapping[str, Outcome], verdict: Verdict, where: Path) -> int:
    """Writes ``soak.md`` and ``soak.svg``; exit code 0 where all is as wanted."""
    failed = {f"{name}: {what}": count for name, outcome in outcomes.items() for what, count in outcome.failed.items()}
    page = _TEXT.format(
        moment=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_commit(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        cpus=len(os.sched_getaffinity(0)),
        minutes=samples[-1].seconds / 60,
        verdict="Flat" if verdict.held else "Not flat",
        words=verdict.words,
        rows="\n".join(_row(name, outcome) for name, outcome in outcomes.items()),
        wrong=f"Not as wanted: {failed}.\n\n" if failed else "",
        grown=", ".join(f"`{name}` {count:+,}" for name, count in islice(verdict.grown, _GROWN)) or "none",
    )
    where.mkdir(parents=True, exist_ok=True)
    (where / "soak.md").write_text(page, encoding="utf-8")
    (where / "soak.svg").write_text(drawing(samples), encoding="utf-8")
    sys.stdout.write(f"{'flat' if verdict.held else 'NOT FLAT'}: {verdict.words}; not as wanted: {failed or 'none'}: {where / 'soak.md'}\n")
    return 0 if verdict.held and not failed else 1


def _row(name: str, outcome: Outcome) -> str:
    times = " | ".join(f"{1000 * outcome.quantile(share):.1f} ms" for share in (0.5, 0.99))
    return f"| {name} | {outcome.calls:,} | {outcome.failed.total()} | {times} |"


def _commit() -> str:
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout.strip()


_WIDTH, _HEIGHT, _LEFT, _TOP = 760, 260, 60, 30


def drawing(samples: Sequence[Sample]) -> str:
    """Resident memory, and under it Python's blocks as a share of their greatest number; a line where judging begins."""
    long, most = samples[-1].seconds, max(each.rss for each in samples) * 1.1
    blocks = max(each.blocks for each in samples) * 1.1

    def line(heights: Iterable[float], colour: str) -> str:
        points = " ".join(f"{_x(each.seconds, long):.1f},{_y(height):.1f}" for each, height in zip(samples, heights, strict=True))
        return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'

    judged = _x(samples[len(samples) // 3].seconds, long)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<line x1="{judged:.1f}" y1="{_TOP}" x2="{judged:.1f}" y2="{_y(0)}" stroke="#999" stroke-dasharray="4"/>',
        f'<line x1="{_LEFT}" y1="{_y(0)}" x2="{_WIDTH - 20}" y2="{_y(0)}" stroke="#333"/>',
        *(f'<text x="{_LEFT - 6}" y="{_y(share):.1f}" text-anchor="end">{share * most:.0f}</text>' for share in (0, 0.25, 0.5, 0.75, 1)),
        *(f'<text x="{_x(long * part / 4, long):.1f}" y="{_HEIGHT - 12}" text-anchor="middle">{long * part / 240:.1f} min</text>' for part in range(5)),
        line((each.rss / most for each in samples), "#c2572b"),
        line((each.blocks / blocks for each in samples), "#8aa4bf"),
        f'<text x="{_LEFT}" y="18"><tspan fill="#c2572b">MiB resident</tspan> <tspan fill="#56789a">Python\'s memory blocks (no scale)</tspan></text>',
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _x(seconds: float, long: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - 40) * seconds / long


def _y(share: float) -> float:
    return _TOP + (_HEIGHT - _TOP - 40) * (1 - share)
