"""``python -m loadtests.bench [SCENARIO …]``: runs scenarios one after another, each with servers of its own on the loopback, and writes what was found."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from loadtests.page import table, write_page
from loadtests.report import Report

SCENARIOS = ("masked_list", "local_masks", "ledger_cost", "documents", "cold", "answers", "exchange")
"""Modules of this package, in their order on the page; each has a function ``run() -> Report`` and takes a minute at most, ``exchange`` three."""
EVIDENCE = Path(__file__).parents[1] / "docs" / "evidence"


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 where every figure is as wanted."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description="Measures the running hub.")
    parser.add_argument("scenarios", nargs="*", choices=[[], *SCENARIOS], metavar="SCENARIO", help=f"which to run, by default all: {', '.join(SCENARIOS)}")
    parser.add_argument("--out", type=Path, help="folder for the evidence; docs/evidence where all are run, else nothing is written")
    options = parser.parse_args(arguments)
    reports = [_ran(name) for name in options.scenarios or SCENARIOS]
    folder = options.out or (None if options.scenarios else EVIDENCE)
    if folder is not None:
        sys.stdout.write(f"{write_page(reports, folder)}\n")
    return 0 if all(figure.held for report in reports for figure in report.figures) else 1


def _ran(name: str) -> Report:
    began = time.monotonic()
    report: Report = import_module(f"loadtests.{name}").run()
    sys.stdout.write(f"{report.title} ({time.monotonic() - began:.0f} s)\n{table(report)}\n\n")
    sys.stdout.flush()
    return report


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
