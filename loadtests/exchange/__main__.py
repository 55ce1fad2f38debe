"""``python -m loadtests.exchange``: measures exchanges at any size, with any number of workers, and writes what was found to loadtests/results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.comparison.results import FOLDER
from loadtests.exchange.figures import report
from loadtests.exchange.measure import Extent, Found, filled, measure
from loadtests.exchange.results import write
from loadtests.exchange.run import FORMATS
from loadtests.page import table


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 where every figure is as wanted."""
    options = _options(arguments)
    found: list[Found] = []
    with filled(options.rows) as server:
        for place, workers in enumerate(options.workers):
            asked = place == 0 and not options.unasked
            found.append(measure(server, Extent(options.rows, options.rounds, options.formats, workers, asked, options.executor, options.masks)))
    made = report(found)
    sys.stdout.write(f"{table(made)}\n{write(made, found, options.out)}\n")
    return 0 if all(figure.held for figure in made.figures) else 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.exchange", description="Measures batch exchange against COPY and a plain program.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the register; ten million need 12 GB of disk and half an hour")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each way")
    parser.add_argument("--formats", nargs="*", default=list(FORMATS), choices=FORMATS, help="which of the hub's")
    parser.add_argument("--workers", nargs="*", type=int, default=[2], help="exchange_workers, one hub for each, e.g. 1 2")
    parser.add_argument(
        "--executor", default="local", choices=("inline", "local", "dask"), help="exchange_executor; of dask, scheduler and workers are started"
    )
    parser.add_argument("--masks", default="", choices=("", "hub", "source"), help="exchange_masks of the source")
    parser.add_argument("--unasked", action="store_true", help="without look-ups meanwhile")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the results")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
