"""``python -m tests.scale.measure``: serves catalogs of two sizes and measures starting, memory, first calls, publishing and introspection; about five minutes."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graphql import get_introspection_query

from tests.scale.catalog import Size, department_code, manifest_text
from tests.scale.served import Served, prepare, serve

REPOSITORY = Path(__file__).parents[2]
EVIDENCE = REPOSITORY / "docs" / "evidence" / "scale.md"
QUIET_SECONDS = 8.0
APPLICATIONS = 60
_FEW, _MANY = 1, 20
_IMPORT = "mutation ($t: String!) { importManifest(input: {text: $t}) { manifest { id } problems { code message } } }"
_REVIEW = 'mutation ($id: ID!) { reviewCatalog(input: {id: $id, approve: true, opinion: "ok"}) { problems { code } } }'
_PUBLISH = "mutation ($id: ID!) { publishCatalog(input: {id: $id}) { publication { number } problems { code } } }"
_GOVERNANCE = "/governance/graphql"


@dataclass
class Figures:
    """What was measured of one size, by name; milliseconds unless the name says otherwise."""

    size: Size
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Calls:
    """Calls that others made meanwhile."""

    made: list[tuple[float, float, bool]]

    def between(self, began: float, ended: float) -> list[float]:
        """Milliseconds of those that were under way in this time, sorted."""
        return sorted(1000 * seconds for at, seconds, _ in self.made if at < ended and at + seconds > began)

    @property
    def failed(self) -> int:
        """How many failed."""
        return sum(not ok for _, _, ok in self.made)


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 where no call failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.measure", description="Measures the hub with large catalogs.")
    parser.add_argument("--out", type=Path, default=EVIDENCE, help="where to write the evidence")
    parser.add_argument("--departments", type=int, nargs="+", default=[50, 500], help="sizes, in departments of ten resources")
    options = parser.parse_args(arguments)
    found = [measure(Size(departments, 10)) for departments in options.departments]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(_page(found), encoding="utf-8")
    failed = sum(figures.values["calls failed"] for figures in found)
    sys.stdout.write(f"{options.out}: {failed:.0f} calls failed\n")
    return 1 if failed else 0


def measure(size: Size) -> Figures:
    """All figures of one size."""
    figures = Figures(size)
    with tempfile.TemporaryDirectory(prefix="huitong-scale-") as directory:
        home = Path(directory) / "home"
        secrets = prepare(home, size, APPLICATIONS)
        with serve(home, secrets):
            pass  # files are in the page cache, and Python's own are compiled, as after any first start
        with serve(home, secrets) as hub:
            _starting(hub, figures)
            _first_calls(hub, figures)
            _fingerprints(hub, figures, size)
            with _others(hub, figures) as quiet:
                time.sleep(QUIET_SECONDS)
            _spread(figures, "quiet", quiet[0].between(0, time.monotonic()))
            _publishing(hub, figures, size, home)
            _introspecting(hub, figures, size)
            figures.values["memory at the end, MiB"] = hub.mebibytes()
            figures.values["most memory, MiB"] = hub.mebibytes("VmHWM")
    sys.stdout.write(json.dumps(figures.values, indent=1) + "\n")
    return figures


def _starting(hub: Served, figures: Figures) -> None:
    figures.values |= {"start, s": hub.seconds, "start, CPU s": hub.cpu, "memory after start, MiB": hub.mebibytes()}


def _root(number: int) -> str:
    return department_code(number).replace("_a", "A")


def _tiny(number: int) -> str:
    return f"{{ {_root(number)} {{ registerB0List(first: 1) {{ nodes {{ itemC0 }} }} }} }}"


def _first_calls(hub: Served, figures: Figures) -> None:
    for name in ("app0", "app1", "app2"):
        hub.token(name)
    figures.values["first call of all"] = 1000 * _good(hub.ask("app0", _tiny(0)))
    figures.values["first call on a new fingerprint"] = 1000 * _good(hub.ask("app1", _tiny(0)))
    figures.values["second call on it"] = 1000 * _good(hub.ask("app1", _tiny(0)))
    figures.values["`__typename` on a new fingerprint"] = 1000 * _good(hub.ask("app2", "{ __typename }"))


def _good(found: tuple[float, dict[str, Any]]) -> float:
    if "errors" in found[1]:
        raise RuntimeError(str(found[1]["errors"])[:500])
    return found[0]


def _fingerprints(hub: Served, figures: Figures, size: Size) -> None:
    """Many applications, each with rights of its own, in one department each, then in many: their sources do not exist, their schemas do."""
    for label, departments in (("one department", _FEW), (f"{_MANY} departments", _MANY)):
        before, times = hub.mebibytes(), []
        for i in range(3, APPLICATIONS):
            for number in range(departments):
                place = (i * 7 + number) % size.departments
                times.append(
                    hub.ask(
                        f"app{i}", f'{{ {_root(place)} {{ __typename verifyRegisterB0(subject: {{itemC0: "k"}}, claims: {{itemC1: "k"}}) {{ outcome }} }} }}'
                    )[0]
                )
        figures.values[f"first calls, {APPLICATIONS - 3} fingerprints × {label}, median"] = 1000 * statistics.median(times)
        figures.values[f"memory for {APPLICATIONS - 3} fingerprints × {label}, MiB"] = hub.mebibytes() - before


@contextmanager
def _others(hub: Served, figures: Figures) -> Iterator[list[Calls]]:
    """Others call in a process of their own until the block ends; their calls are in the list afterwards."""
    command = [sys.executable, "-m", "tests.scale.callers", hub.url]
    found: list[Calls] = []
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        process.stdin.write(f"{hub.token('app0')}\n")
        process.stdin.flush()
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the callers have ended")
        yield found
        process.stdin.close()
        found.append(Calls([(at, taken, ok) for at, taken, ok in map(json.loads, process.stdout)]))
        figures.values["calls failed"] = figures.values.get("calls failed", 0) + found[0].failed


def _spread(figures: Figures, label: str, milliseconds: list[float]) -> None:
    figures.values[f"{label}: calls"] = len(milliseconds)
    for name, share in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0)):
        figures.values[f"{label}: {name}"] = milliseconds[min(len(milliseconds) - 1, int(share * len(milliseconds)))]


def _publishing(hub: Served, figures: Figures, size: Size, home: Path) -> None:
    """One department's manifest with one resource changed: imported and reviewed first, then published while others call."""
    number = min(5, size.departments - 1)
    hub.token("importer"), hub.token("reviewer")
    spans: list[tuple[float, float]] = []
    imports, forces, firsts, cpu = [], [], [], 0.0
    with _others(hub, figures) as calls:
        for turn in range(3):
            text = manifest_text(size, number, home / "demo", f" 第{turn}版").replace('plural = "register_b0_list"', f'plural = "turn{turn}_list"')
            began = time.monotonic()
            seconds, answer = hub.ask("importer", _IMPORT, {"t": text}, _GOVERNANCE)
            imports.append(1000 * seconds)
            identity = {"id": answer["data"]["importManifest"]["manifest"]["id"]}
            _good(hub.ask("reviewer", _REVIEW, identity, _GOVERNANCE))
            spans.append((began, time.monotonic()))
            before, began = hub.cpu_seconds(), time.monotonic()
            _good(hub.ask("reviewer", _PUBLISH, identity, _GOVERNANCE))
            while (
                "errors"
                in hub.ask(
                    "app0",
                    f'{{ __type(name: "{_root(number).capitalize()}") {{ name }} {_root(number)} {{ __typename turn{turn}List(first: 1) {{ __typename }} }} }}',
                )[1]
            ):
                if time.monotonic() - began > 20:
                    raise RuntimeError("not in force")
                time.sleep(0.005)
            forces.append(1000 * (time.monotonic() - began))
            firsts.append(1000 * _good(hub.ask("app0", _tiny(1))))
            cpu += hub.cpu_seconds() - before
            spans.append((began, time.monotonic()))
            time.sleep(0.5)
    busy = sorted(each for began, ended in spans for each in calls[0].between(began, ended))
    _spread(figures, "while importing and publishing", busy)
    figures.values |= {
        "import of a manifest": max(imports),
        "in force after publish, longest of 3": max(forces),
        "first query afterwards, longest of 3": max(firsts),
    }
    figures.values["publish, CPU ms each"] = 1000 * cpu / 3


def _introspecting(hub: Served, figures: Figures, size: Size) -> None:
    text = get_introspection_query()

    def during(label: str, work: Callable[[], None]) -> None:
        spans: list[float] = []
        with _others(hub, figures) as calls:
            before, began = hub.cpu_seconds(), time.monotonic()
            work()
            figures.values[f"{label}, s"] = time.monotonic() - began
            figures.values[f"{label}, CPU s"] = hub.cpu_seconds() - before
            spans += [began, time.monotonic()]
        _spread(figures, f"during {label}", calls[0].between(spans[0], spans[1]))

    sizes: list[int] = []
    during("full introspection, nothing kept", lambda: sizes.append(hub.raw("app1", text, **{"Accept-Encoding": "identity"})[2]))
    during("full introspection, parts kept, gzip", lambda: sizes.append(hub.raw("app1", text, **{"Accept-Encoding": "gzip"})[2]))
    figures.values |= {"full introspection, MB": sizes[0] / 1e6, "full introspection, gzip, MB": sizes[1] / 1e6}
    chosen = f"{_root(0)},{_root(3)}"
    figures.values["introspection of two departments"] = 1000 * hub.raw("app2", text, **{"Huitong-Departments": chosen})[1]
    one = '{ __type(name: "%s") { fields { name type { name ofType { name } } } } }'
    figures.values["`__type` of a resource"] = 1000 * _good(hub.ask("app2", one % f"{_root(4).capitalize().replace('a4', 'A4')}RegisterB1"))
    figures.values["`__type` of Query"] = 1000 * _good(hub.ask("app2", one % "Query"))


def _page(found: Sequence[Figures]) -> str:
    heads = [f"{figures.size.total:,} resources × {figures.size.items} items, {figures.size.departments} departments" for figures in found]
    names = list(dict.fromkeys(name for figures in found for name in figures.values))
    rows = [f"| {name} | " + " | ".join(_shown(figures.values.get(name)) for figures in found) + " |" for name in names]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    about = f"{datetime.now(UTC).isoformat(timespec='seconds')}, commit {commit}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    return _TEXT.format(about=about, head=" | ".join(heads), line=" --- |" * len(heads), rows="\n".join(rows))


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}" if value < 10 else f"{value:.1f}"


_TEXT = """# The hub at scale

{about}. Repeat: `make scale`. Times in milliseconds unless a row says otherwise; they hold for this machine, the columns show how each grows.

The catalog: departments of ten resources of twenty items; every third resource is conditional; every resource links to the first department and to one that lies anywhere, so that links run
through the whole city. It is in the control database (SQLite) before the hub starts. Others are two callers in a process of their own that look up, list and verify,
about 100 calls a second; a call counts for a phase where any of it fell into that phase. A fingerprint is one set of rights: every application here has its own.

| | {head} |
| --- |{line}
{rows}

What grows with the catalog: time and memory at the start, full introspection, the root type (`__type` of Query, one step per department). What grows with the departments that a set of
rights really uses: its memory; at most 256 sets are held, the longest unused is dropped. What grows with neither: a first call, which costs the resources that its document names. A
publication reads the one manifest, compares the snapshots' resources by identity, and leaves what was made of other departments as it is, unless links lead from them to it.
An introspection is limited by neither size nor count; two are computed at once, others wait; it is held compressed and sent in pieces of about 0.1 MB.
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
