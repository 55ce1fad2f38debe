"""The evidence of isolation as a page and a drawing, both made from the figures."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.faults import Mode
from tests.soak.load import Outcome

if TYPE_CHECKING:
    from tests.soak.isolation import Phase

_REPOSITORY = Path(__file__).parents[2]
_EVIDENCE = _REPOSITORY / "docs" / "evidence"
SUCCESS = 0.999
"""Share of calls that do not touch the faulty source and must be answered whole."""
RATIO = 1.5
"""Their p99 beside a faulty source may be so many times that beside a quiet one."""
_TEXT = """# One source in trouble, the others beside it

A demonstration hub serves the city from SQLite files and one more department from PostgreSQL, behind a proxy that breaks their talk in the way
named. Quiet and faulty phases of {seconds:g} s take turns; in all of them one application makes the same calls at the same fixed rates, whatever becomes of
earlier ones: calls of healthy sources only, calls of the faulty source, and documents over both. A latency counts from the moment at which its
call was due. In quiet phases the proxy passes everything. Repeat: `make soak-isolation SOAK_SECONDS={seconds:g}`.

| | |
| --- | --- |
| finished | {moment} |
| commit | {commit} |
| system | {system}, Python {python}, {cpus} CPUs for hub, database, proxy and callers |
| calls that do not touch the faulty source, in faulty phases | {calls} |
| of these answered whole | {success:.3%} (wanted: ≥ {wanted_success:.1%}) |
| documents over both, with the healthy part answered | {mixed:.3%} |
| p99 in faulty phases ÷ p99 in quiet phases | {ratio:.2f} (wanted: ≤ {wanted_ratio}) |
| the hub's CPU, quiet / faulty | {quiet_cpu:.0%} / {faulty_cpu:.0%} |

![p99 of calls that do not touch the faulty source](isolation.svg)

| the source's trouble | calls | answered whole | p50 quiet | p50 faulty | p99 quiet | p99 faulty | ratio | CPU quiet | CPU faulty | read again after |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}
{failures}
"""


def write_page(phases: Sequence[Phase], seconds: float, directory: Path | None) -> bool:
    """Writes ``isolation.md`` and ``isolation.svg``; whether what was wanted was seen. ``phases`` are pairs: quiet, faulty."""
    where = directory or _EVIDENCE
    where.mkdir(parents=True, exist_ok=True)
    quiet, faulty = pooled(phases[::2], "healthy"), pooled(phases[1::2], "healthy")
    mixed = pooled(phases[1::2], "mixed")
    ratio = faulty.quantile(0.99) / max(quiet.quantile(0.99), 1e-9)
    page = _TEXT.format(
        seconds=seconds,
        moment=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_commit(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        cpus=len(os.sched_getaffinity(0)),
        calls=faulty.calls,
        success=faulty.success,
        wanted_success=SUCCESS,
        mixed=mixed.success,
        ratio=ratio,
        wanted_ratio=RATIO,
        quiet_cpu=_mean_cpu(phases[::2]),
        faulty_cpu=_mean_cpu(phases[1::2]),
        rows="\n".join(_row(*pair) for pair in _pairs(phases)),
        failures=_failures(faulty, mixed),
    )
    (where / "isolation.md").write_text(page, encoding="utf-8")
    (where / "isolation.svg").write_text(drawing(phases), encoding="utf-8")
    good = faulty.success >= SUCCESS and mixed.success >= SUCCESS and ratio <= RATIO
    sys.stdout.write(f"{faulty.calls} calls beside a faulty source, {faulty.success:.3%} answered whole, p99 ratio {ratio:.2f}: {where / 'isolation.md'}\n")
    return good


def pooled(phases: Sequence[Phase], kind: str) -> Outcome:
    """One kind of call over several phases."""
    total = Outcome()
    for phase in phases:
        total.add(phase.outcomes[kind])
    return total


def _pairs(phases: Sequence[Phase]) -> list[tuple[Phase, Phase]]:
    return list(zip(phases[::2], phases[1::2], strict=True))


def _row(quiet: Phase, faulty: Phase) -> str:
    before, beside = quiet.outcomes["healthy"], faulty.outcomes["healthy"]
    cells = [faulty.mode.value, str(beside.calls), f"{beside.success:.3%}"]
    cells += [f"{1000 * each.quantile(share):.1f} ms" for share in (0.5, 0.99) for each in (before, beside)]
    cells.append(f"{beside.quantile(0.99) / max(before.quantile(0.99), 1e-9):.2f}")
    cells += [f"{quiet.cpu:.0%}", f"{faulty.cpu:.0%}", f"{faulty.recovery:.1f} s"]
    return "| " + " | ".join(cells) + " |"


def _failures(healthy: Outcome, mixed: Outcome) -> str:
    found = dict(healthy.failed + mixed.failed)
    return f"\nNot answered as wanted: {', '.join(f'{name} {count}' for name, count in sorted(found.items()))}." if found else ""


def _mean_cpu(phases: Sequence[Phase]) -> float:
    return sum(phase.cpu for phase in phases) / max(1, len(phases))


_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 760, 300, 56, 40, 44


def drawing(phases: Sequence[Phase]) -> str:
    """Bars of p99 by mode: quiet, faulty, and the line up to which the faulty one may go."""
    pairs = _pairs(phases)
    figures = [(faulty.mode, _p99(quiet), _p99(faulty)) for quiet, faulty in pairs]
    most = 1.1 * max([RATIO * before for _, before, _ in figures] + [beside for _, _, beside in figures] + [1.0])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="14">p99 of calls that do not touch the faulty source (ms): quiet, faulty; dashed: {RATIO} × quiet</text>',
    ]
    step = (_WIDTH - _LEFT - 16) / max(1, len(figures))
    for i, (mode, before, beside) in enumerate(figures):
        parts += _bars(_LEFT + i * step, step, mode, before, beside, most)
    parts.append(f'<line x1="{_LEFT}" y1="{_y(0, most)}" x2="{_WIDTH - 16}" y2="{_y(0, most)}" stroke="#333"/>')
    return "\n".join([*parts, "</svg>", ""])


def _bars(left: float, step: float, mode: Mode, before: float, beside: float, most: float) -> list[str]:
    width, base, made = step * 0.3, _y(0, most), []
    for offset, value, colour in ((0.18, before, "#8aa4bf"), (0.5, beside, "#c2572b")):
        x, y = left + offset * step, _y(value, most)
        made.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{base - y:.1f}" fill="{colour}"/>')
        made.append(f'<text x="{x + width / 2:.1f}" y="{y - 4:.1f}" text-anchor="middle">{value:.1f}</text>')
    limit = _y(RATIO * before, most)
    made.append(f'<line x1="{left + 0.12 * step:.1f}" y1="{limit:.1f}" x2="{left + 0.86 * step:.1f}" y2="{limit:.1f}" stroke="#333" stroke-dasharray="5 4"/>')
    made.append(f'<text x="{left + step / 2:.1f}" y="{base + 20:.1f}" text-anchor="middle">{mode.value}</text>')
    return made


def _y(value: float, most: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / most)


def _p99(phase: Phase) -> float:
    return 1000 * phase.outcomes["healthy"].quantile(0.99)


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=_REPOSITORY, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
