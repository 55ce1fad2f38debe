"""What was measured, as JSON and as a page with a drawing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

from loadtests.comparison.charts import Line, Scale, bars, number
from loadtests.comparison.results import facts
from loadtests.exchange.measure import Found
from loadtests.exchange.run import COPY, FORMATS, PLAIN
from loadtests.page import table
from loadtests.report import Report
from tests.servers.postgres import binary

_TEXT = """# Batch exchange, {began}

Commit {commit}, {system}, {processor}, {cpus} CPUs; load of the machine when it ended: {load}. Repeat: `python -m loadtests.exchange`.

![Rows per second]({drawing})

{about}

{table}
"""


def write(report: Report, found: Sequence[Found], folder: Path) -> Path:
    """Writes ``<date>-exchange-<rows>.json``, ``.md`` and ``.svg``; the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    extent = found[0].extent
    told = facts("exchange", 7, extent.rows, (extent.rounds,), _postgres(), "sqlite")
    path = folder / f"{told['began'][:10]}-exchange-{extent.rows}.md"
    runs = [{"extent": asdict(one.extent), "taken": [asdict(each) for each in one.taken]} for one in found]
    path.with_suffix(".json").write_text(json.dumps({"facts": told, "runs": runs}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".svg").write_text(drawing(found), encoding="utf-8")
    machine = told["machine"]
    text = _TEXT.format(
        began=told["began"],
        commit=told["commit"],
        system=machine["system"],
        processor=machine["processor"],
        cpus=machine["cpus"],
        load=", ".join(f"{each:.1f}" for each in machine["load"]),
        drawing=path.with_suffix(".svg").name,
        about=report.about,
        table=table(report),
    )
    path.write_text(text, encoding="utf-8")
    return path


def _postgres() -> str:
    return subprocess.run([binary("postgres"), "--version"], capture_output=True, text=True, check=False).stdout.strip()


def drawing(found: Sequence[Found]) -> str:
    """Rows per second of every way, the least and the most of its rounds as a line over it."""
    lines = []
    for one in found:
        which = f" ×{one.extent.workers}" if len(found) > 1 else ""
        for way in (COPY, *FORMATS, PLAIN):
            if rates := sorted(each.per_second for each in one.of(way)):
                middle = rates[len(rates) // 2]
                name = {COPY: f"limit: COPY{which}", PLAIN: f"plain program{which}"}.get(way, f"hub, {way}{which}")
                lines.append(Line(name, middle, rates[0], rates[-1], number(middle)))
    svg = bars(lines, Scale.around([line.value for line in lines]), "rows per second")
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12" ', 1).replace(
        'role="img">', f'role="img"><title>{escape("Batch exchange")}</title>', 1
    )
