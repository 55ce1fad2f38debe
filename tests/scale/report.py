"""``python -m tests.scale.report``: the report on a made-up year of a city, from a ledger of so many calls to its page and its workbook, timed."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path

from hub.cli.app import run
from hub.core import Core, initialise, open_core
from hub.settings import load_settings
from hub.usage.roller import Roller
from hub.usage.rulebook import UsageRules
from tests.scale.city import register
from tests.scale.filling import Filler
from tests.scale.year import Year

SINCE, UNTIL = date(2025, 1, 1), date(2025, 12, 31)


def main(arguments: Sequence[str]) -> int:
    """Makes the year and its report."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.report")
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--out", type=Path, default=Path(), help="folder of the page and the workbook")
    parser.add_argument("--home", type=Path, help="a home that is kept; where it is there already, its year is taken")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="huitong-report-") as directory:
        home = options.home or Path(directory) / "home"
        if not home.exists():
            _prepare(home, options.calls)
        return _report(home, options.out)


def _prepare(home: Path, calls: int) -> None:
    settings = load_settings(home=home)
    initialise(settings)
    core = open_core(settings)
    try:
        made(core, Year(calls))
    finally:
        core.close()


def made(core: Core, year: Year) -> None:
    """Registers the year's city and fills its ledger."""
    register(core, year)
    _timed("written", partial(_fill, core, year))
    _timed("published", core.log.publisher.publish_all)
    _timed("rolled up", Roller(core.engine, core.ledger, UsageRules.of_home(core.settings.home), "scale").run)


def _fill(core: Core, year: Year) -> None:
    for _ in Filler(core, year).fill(year.calls):
        pass


def _report(home: Path, out: Path) -> int:
    os.environ["HUITONG_HOME"] = str(home)
    files = [out / "usage.html", out / "usage.xlsx"]
    for file in files:
        file.unlink(missing_ok=True)
    period = ("--from", str(SINCE), "--to", str(UNTIL))
    began = time.perf_counter()
    code = run(["usage", "report", *period, "--output", str(files[0]), "--xlsx", str(files[1])])
    sys.stdout.write(
        f"report: {time.perf_counter() - began:.1f} s; " + ", ".join(f"{file} {file.stat().st_size:,} bytes" for file in files if file.exists()) + "\n"
    )
    return code


def _timed(what: str, work: Callable[[], object]) -> None:
    began = time.perf_counter()
    work()
    sys.stdout.write(f"{what}: {time.perf_counter() - began:.1f} s\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
