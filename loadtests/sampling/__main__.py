"""``python -m loadtests.sampling``: says where a call's CPU goes, and writes docs/evidence/profile.md."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.arguments import some, unwritable
from loadtests.bench import EVIDENCE
from loadtests.sampling.measure import TASKS, profiles
from loadtests.sampling.page import table, write_page


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: it only says."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.sampling", description="Says where a call's CPU goes.")
    parser.add_argument("--tasks", nargs="*", default=[], metavar="TASK", help=f"only these: {', '.join(task.code for task in TASKS)}")
    parser.add_argument("--persons", type=some, default=100_000, help="rows of the register")
    parser.add_argument("--seconds", type=some, default=8, help="of load for each task")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="of data, documents and masks; by default a new one")
    parser.add_argument("--out", type=Path, default=EVIDENCE, help="folder for page and drawing")
    options = parser.parse_args(arguments)
    if unknown := [code for code in options.tasks if code not in {task.code for task in TASKS}]:
        parser.error(f"--tasks: {', '.join(unknown)}: expected are {' | '.join(task.code for task in TASKS)}")
    if reason := unwritable(options.out):
        parser.error(f"--out: {options.out}: the page cannot be written there: {reason}")
    chosen = [task for task in TASKS if not options.tasks or task.code in options.tasks]
    found = profiles(chosen, options.persons, options.seconds, options.seed)
    sys.stdout.write(f"{table(found)}\n{write_page(found, options.out)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
