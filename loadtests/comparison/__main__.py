"""``python -m loadtests.comparison``: measures, writes results and page, and ends with 1 where a figure is not held."""

from __future__ import annotations

import argparse
import secrets
import sys
from dataclasses import replace
from pathlib import Path

from loadtests.arguments import some, unwritable
from loadtests.comparison.bench import LARGE, Wanted, compare
from loadtests.comparison.charts import number
from loadtests.comparison.page import write
from loadtests.comparison.results import FOLDER
from loadtests.comparison.tasks import BY_SOURCE, FULL, PEERS, SHORT, VARIANTS


def main() -> int:
    """Exit code 0 where all that is wanted is so."""
    options = parsed()
    extent = SHORT if options.short else FULL
    given = {"persons": options.persons, "companies": options.persons and options.persons // 5, "rounds": options.rounds, "apart": options.rounds}
    extent = replace(extent, **{name: value for name, value in given.items() if value is not None})
    mode = "short" if options.short else "full"
    results = compare(Wanted(mode, extent, options.seed, options.control == "postgresql", frozenset(options.servers), frozenset(options.tasks)))
    path = results.write(options.out)
    for verdict in results.verdicts:
        sign = "≥" if verdict.bound.least else "≤"
        state = "held" if verdict.held else "NOT HELD"
        sys.stdout.write(f"{verdict.group:24} {verdict.name:52} {number(verdict.value):>8} {verdict.unit:3} {sign} {verdict.bound.wanted:g}  {state}\n")
    sys.stdout.write("".join(f"failed: {line[:600]}\n" for line in results.failed))
    sys.stdout.write(f"{path}\n{write(results, path)}\n")
    return 0 if all(verdict.held for verdict in results.verdicts) and not results.failed else 1


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options; ends with 2 where a task or a server is named that is not measured, where nothing would be, or where results could not be kept."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.comparison", description="Compares the hub with its peers and with hand-written limits.")
    parser.add_argument("--short", action="store_true", help="fewer persons and rounds: under five minutes")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="of data, documents, arguments and masks; by default a new one")
    parser.add_argument("--persons", type=some, help="rows of the register")
    parser.add_argument("--rounds", type=some, help="turns of each server and task")
    parser.add_argument("--control", choices=("sqlite", "postgresql"), default="sqlite", help="control database of the hubs")
    parser.add_argument("--servers", nargs="*", default=[], help="only these besides the hub, by name")
    parser.add_argument("--tasks", nargs="*", default=[], help="only these, by code")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for results and page")
    options = parser.parse_args(arguments)
    extent = SHORT if options.short else FULL
    tasks = dict.fromkeys([*(task.code for task in (*extent.compared, *extent.variants)), LARGE])
    for option, named, known in (("--tasks", options.tasks, tasks), ("--servers", options.servers, (BY_SOURCE, *PEERS, *VARIANTS))):
        if unknown := [name for name in named if name not in known]:
            parser.error(f"{option}: {', '.join(unknown)}: expected{' with --short' if options.short else ''} are {' | '.join(known)}")
    if reason := unwritable(options.out):
        parser.error(f"--out: {options.out}: results cannot be written there: {reason}")
    return options


if __name__ == "__main__":
    sys.exit(main())
