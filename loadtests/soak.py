"""``python -m loadtests.soak --minutes 10``: a hub under a steady mix of calls; whether its memory stays where it is once its caches are full."""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, overload

import orjson
from graphql import GraphQLSchema, build_schema

from loadtests import soak_page
from loadtests.counted import COUNTS
from loadtests.random_documents import Documents
from loadtests.soak_page import Verdict
from tests.hub.running import RunningHub, started, stop
from tests.soak.load import Kind, Outcome, phase

EVERY_SECONDS = 10.0
RISE_PERCENT = 1.0
"""Of the memory, per minute, over the last two thirds: the most that is called flat; or :data:`RISE_MIB` over all of these."""
RISE_MIB = 4.0
"""A few arenas of Python's allocator (1 MiB each) and of glibc's come and go with whatever is in work when one looks."""
_LENGTH = 1024
_FILL_RATE = 6.0
_SETTINGS = {"HUITONG_PUBLIC_CALLS_PER_SECOND": "100000"}
_FAILING = (
    '{ civilAffairs { person(idNumber: "1") { name } } }',
    "{ civilAffairs { nonsense } }",
    "{ civilAffairs { persons(first: 100000) { nodes { name } } } }",
)


@dataclass
class Sample:
    """What was seen at one moment; ``seconds`` since the beginning of the load."""

    seconds: float
    rss: float
    """MiB."""
    blocks: int
    """Memory blocks of Python's allocator."""
    objects: int
    """Objects that its garbage collector follows and that were made since the hub began to serve."""
    types: dict[str, int] = field(repr=False)
    calls: int = 0


class Distinct(Sequence[str]):
    """Documents of which no two are alike, each made when it is asked for."""

    def __init__(self, schema: GraphQLSchema, seed: int) -> None:
        self._schema, self._seed = schema, seed

    def __len__(self) -> int:
        return sys.maxsize

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            raise TypeError("one at a time")
        return Documents(self._schema, hash((self._seed, place))).make(_LENGTH)


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 where the memory stayed flat and every call got what it must get."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.soak", description="Whether the hub's memory stays flat under load.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--fill", type=int, default=12, help="ten-second turns of documents never seen before, to fill caches before anything is judged")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "evidence", help="folder for soak.md, soak.svg and soak.csv")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="huitong-soak-") as directory:
        home, counts = Path(directory) / "home", Path(directory) / "counts"
        with started(home, settings={**_SETTINGS, COUNTS: str(counts)}, module="loadtests.counted") as hub:
            samples, outcomes = _soaked(hub, counts, options.minutes * 60, options.fill)
            stop(hub)
    write_csv(samples, options.out / "soak.csv")
    judged = flat(samples)
    return soak_page.write(samples, outcomes, Verdict(judged.held, judged.words, grown(samples)), options.out)


def _soaked(hub: RunningHub, counts: Path, seconds: float, fill: int) -> tuple[list[Sample], dict[str, Outcome]]:
    schema = build_schema(hub.http("GET", "/graphql/schema.graphql", headers=hub.headers("housing")).text)
    outcomes: dict[str, Outcome] = {}
    samples: list[Sample] = []
    for place in range(fill):
        asyncio.run(phase(hub.base, [Kind("filling", Distinct(schema, -1 - place), _FILL_RATE, hub.headers("housing"), _answered)], EVERY_SECONDS))
    began, turn = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        # Tokens live for ten minutes: new headers for each phase.
        done = asyncio.run(phase(hub.base, kinds(hub, Distinct(schema, turn)), EVERY_SECONDS))
        for name, outcome in done.items():
            outcomes.setdefault(name, Outcome()).add(outcome)
        samples.append(look(hub.process.pid, counts, time.monotonic() - began))
        samples[-1].calls = sum(outcome.calls for outcome in outcomes.values())
        sys.stdout.write(f"{samples[-1]}\n")
        sys.stdout.flush()
        turn += 1
    return samples, outcomes


def kinds(hub: RunningHub, distinct: Sequence[str]) -> list[Kind]:
    """The mix, per second: 10 look-ups, 2 lists, 2 nested, a verification, 2 documents never seen before, 2 that are refused."""
    persons, headers = [person["id_number"] for person in hub.inside], hub.headers("housing")
    looked = [f'{{ civilAffairs {{ person(idNumber: "{number}") {{ name birthDate phone district }} }} }}' for number in persons]
    lists = [
        f"{{ civilAffairs {{ persons(first: {rows}) {{ nodes {{ name gender birthDate phone }} pageInfo {{ endCursor }} }} }} }}" for rows in (10, 100, 300)
    ]
    nested = ["{ civilAffairs { persons(first: 20) { nodes { name household { address district } } } } }"]
    verify = [f'{{ civilAffairs {{ verifyPerson(subject: {{ idNumber: "{persons[0]}" }}, claims: {{ name: "x" }}) {{ outcome }} }} }}']
    return [
        Kind("look-up", looked, 10, headers, _whole),
        Kind("list", lists, 2, headers, _whole),
        Kind("nested", nested, 2, headers, _whole),
        Kind("verify", verify, 1, headers, _whole),
        Kind("distinct", distinct, 2, headers, _answered),
        Kind("refused", _FAILING, 2, {**headers, "Accept": "application/json"}, _refused),
    ]


def _whole(content: dict[str, Any]) -> str | None:
    return str(content["errors"][0]["extensions"]["code"]) if content.get("errors") else None


def _answered(content: dict[str, Any]) -> str | None:
    return None if content.get("data") else _whole(content)


def _refused(content: dict[str, Any]) -> str | None:
    return None if content.get("errors") else "not refused"


def look(process: int, counts: Path, seconds: float) -> Sample:
    """Asks the hub's interpreter what it holds, and the kernel how much memory it has."""
    before = counts.stat().st_size if counts.exists() else 0
    os.kill(process, signal.SIGUSR1)
    until = time.monotonic() + 30
    while not counts.exists() or counts.stat().st_size == before:
        if time.monotonic() > until:
            raise RuntimeError("the hub does not count")
        time.sleep(0.02)
    told = orjson.loads(counts.read_bytes().splitlines()[-1])
    rss = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return Sample(seconds, int(rss[1]) / 1024 if rss else 0.0, **told)


@dataclass(frozen=True)
class Flatness:
    """How the memory went over the last two thirds."""

    per_minute: float
    """MiB; the median of the slopes between all pairs of samples (Theil and Sen), which single spikes do not move."""
    rise: float
    """MiB: what that makes over these two thirds."""
    percent: float
    """Of the median memory, per minute."""

    @property
    def held(self) -> bool:
        """Whether it stayed flat."""
        return self.percent <= RISE_PERCENT or self.rise <= RISE_MIB

    @property
    def words(self) -> str:
        """What was found and what is wanted."""
        found = f"over the last two thirds {self.per_minute:+.2f} MiB a minute, {self.percent:+.2f} % of the memory, {self.rise:+.1f} MiB in all"
        return f"{found} (wanted: at most {RISE_PERCENT:g} % a minute, or {RISE_MIB:g} MiB in all)"


def flat(samples: Sequence[Sample]) -> Flatness:
    """Judges the last two thirds; needs three samples."""
    last = samples[len(samples) // 3 :]
    slopes = [60 * (b.rss - a.rss) / (b.seconds - a.seconds) for a, b in combinations(last, 2)]
    per_minute = statistics.median(slopes)
    minutes = (last[-1].seconds - last[0].seconds) / 60
    return Flatness(per_minute, per_minute * minutes, 100 * per_minute / statistics.median(each.rss for each in last))


def grown(samples: Sequence[Sample]) -> Iterator[tuple[str, int]]:
    """Types of which there are more at the end than after the first third, and how many more; most first."""
    first, last = samples[len(samples) // 3].types, samples[-1].types
    yield from sorted(((name, count - first.get(name, 0)) for name, count in last.items() if count > first.get(name, 0)), key=lambda each: -each[1])


def write_csv(samples: Sequence[Sample], path: Path) -> None:
    """One line for each sample."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("seconds", "rss_mib", "python_blocks", "python_objects", "calls"))
        writer.writerows((f"{each.seconds:.1f}", f"{each.rss:.1f}", each.blocks, each.objects, each.calls) for each in samples)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
