"""``python -m tests.soak --cycles N``: kills processes, servers and hubs under load N times, and compares the ledger with every receipt that was given out."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.soak.crashes import PROCESSES, Told, soak
from tests.soak.hubs import CALLERS, Answered
from tests.soak.hubs import soak as soak_hubs

REPOSITORY = Path(__file__).parents[2]
EVIDENCE = REPOSITORY / "docs" / "evidence" / "ledger-crashes.md"
_ON_POSTGRESQL, _HUBS = 0.4, 25
"""Share of the cycles on PostgreSQL; one whole hub is killed besides for so many cycles."""
_TEXT = """# Ledger under kill -9

Repeat: `make soak-ledger SOAK_CYCLES={cycles}`. Finished {moment}, commit {commit}, {system}, Python {python}, {seconds:.0f} s, seed {seed}.

Processes append from 12 clients each, {sqlite} on one SQLite file, {postgresql} on one PostgreSQL database, all the time. A cycle waits until each of them appends (four times of five;
else it strikes while one starts), waits 0 to 100 ms more, and kills one, two or all of them; or, in every eighth cycle on PostgreSQL, the database
server, which is started again while its clients go on. A client keeps each receipt in a file as soon as it has it. **After each cycle** every new
receipt is compared with what is stored: its signature, its place, the hash of the entry's bytes. At the end of a round of at most 125 cycles the
whole log is verified against all receipts.

Whole hubs (`huitong serve`) answer {callers} callers over HTTP, and are killed; every answer that held data must have had a receipt, and its entry must stand.

| | SQLite | PostgreSQL | whole hubs |
| --- | --- | --- | --- |
{rows}

Entries without a receipt were durable when the kill cut off the answer: an entry more than was acknowledged, never one less.

**{outcome}**
{found}"""


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 where nothing contradicts anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Kills what appends to a ledger, and verifies it.")
    parser.add_argument("--cycles", type=int, default=1000, help="how often to kill")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the times and victims")
    parser.add_argument("--out", type=Path, default=EVIDENCE, help="where to write the evidence")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    others = round(options.cycles * _ON_POSTGRESQL)
    told = [soak("sqlite", options.cycles - others, options.seed), soak("postgresql", others, options.seed)]
    with tempfile.TemporaryDirectory(prefix="huitong-soak-") as directory:
        hubs = soak_hubs(Path(directory), max(1, options.cycles // _HUBS), options.seed)
    wrong = [*told[0].wrong, *told[1].wrong, *hubs.wrong, *([f"{hubs.bare} answers with data had no receipt"] if hubs.bare else [])]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(evidence(told[0], told[1], hubs, wrong, time.monotonic() - began, options.seed), encoding="utf-8")
    receipts = sum(each.receipts for each in told) + len(hubs.receipts)
    sys.stdout.write(f"{options.cycles + hubs.cycles} cycles, {receipts} receipts, {len(wrong)} contradictions: {options.out}\n")
    return 1 if wrong else 0


def evidence(sqlite: Told, postgresql: Told, hubs: Answered, wrong: Sequence[str], seconds: float, seed: int) -> str:
    """What was counted, as a page."""
    return _TEXT.format(
        cycles=sqlite.cycles + postgresql.cycles,
        moment=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout.strip() or "unknown",
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        seconds=seconds,
        seed=seed,
        callers=CALLERS,
        rows="\n".join(f"| {name} | {' | '.join(cells)} |" for name, *cells in _rows(sqlite, postgresql, hubs)),
        outcome="Contradictions were found." if wrong else "No acknowledged entry was lost or altered; every chain, tree and signature holds.",
        found="".join(f"- {one}\n" for one in wrong[:100]),
        **PROCESSES,
    )


def _rows(sqlite: Told, postgresql: Told, hubs: Answered) -> list[tuple[str, ...]]:
    both, lost = (sqlite, postgresql), hubs.bare + len(hubs.wrong)
    return [
        ("cycles", *(f"{each.cycles:,}" for each in both), f"{hubs.cycles:,}"),
        ("killed", *(_kills(each.kills) for each in both), f"hub: SIGKILL {hubs.cycles:,}"),
        ("receipts held by clients", *(f"{each.receipts:,}" for each in both), f"{len(hubs.receipts):,}"),
        ("entries stored", *(f"{each.stored:,}" for each in both), f"{hubs.stored:,}"),
        ("entries without a receipt", *(f"{each.unacknowledged:,}" for each in both), f"{hubs.stored - len(hubs.receipts):,} (starts included)"),
        ("batches, checkpoints", *(f"{each.batches:,}, {each.checkpoints:,}" for each in both), ""),
        ("**receipts lost, altered or contradicted**", *(f"**{len(each.wrong)}**" for each in both), f"**{lost}**"),
        ("seconds", *(f"{each.seconds:.0f}" for each in both), f"{hubs.seconds:.0f}"),
    ]


def _kills(kills: Counter[str]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in sorted(kills.items())) or "none"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
