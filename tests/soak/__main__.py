"""``python -m tests.soak --cycles N``: kills an appending hub N times, verifies the ledger against every receipt that was given out."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hub.ledger.report import Report
from tests.ledger.crash import soak

REPOSITORY = Path(__file__).parents[2]
EVIDENCE = REPOSITORY / "docs" / "evidence" / "ledger-soak.md"
_TEXT = """# Ledger under kill -9

Processes append from 32 clients at once and are killed (SIGKILL) in the middle of it; every receipt that a client held when its process died is
kept. At the end the whole ledger is verified against all of them. Repeat: `make soak SOAK_CYCLES={cycles}`.

| | |
| --- | --- |
| finished | {moment} |
| commit | {commit} |
| system | {system}, Python {python} |
| kills | {cycles} |
| receipts held by clients | {receipts} |
| entries stored | {entries} |
| batches, checkpoints | {batches}, {checkpoints} |
| receipts without their entry, other contradictions | {findings} |
| wall time | {seconds:.0f} s |

{outcome}
"""


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 where nothing contradicts anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Kills an appending ledger and verifies it.")
    parser.add_argument("--cycles", type=int, default=200, help="how often to kill")
    parser.add_argument("--out", type=Path, default=EVIDENCE, help="where to write the evidence")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="huitong-soak-") as home:
        report, receipts = soak(Path(home), options.cycles)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(evidence(report, receipts, options.cycles, time.monotonic() - began), encoding="utf-8")
    sys.stdout.write(f"{options.cycles} kills, {receipts} receipts, {report.entries} entries, {len(report.findings)} findings: {options.out}\n")
    return 0 if report.ok else 1


def evidence(report: Report, receipts: int, cycles: int, seconds: float) -> str:
    """What was counted, as a page."""
    found = [f"- {finding.what}: {finding.message}" for finding in report.findings]
    return _TEXT.format(
        moment=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout.strip() or "unknown",
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        cycles=cycles,
        receipts=receipts,
        entries=report.entries,
        batches=report.batches,
        checkpoints=report.checkpoints,
        findings=len(report.findings) + report.omitted,
        seconds=seconds,
        outcome="\n".join(found) if found else "No acknowledged entry was lost; the chain, the tree and every signature hold.",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
