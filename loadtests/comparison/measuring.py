"""One server under load for a moment, and all of them by turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from loadtests.city import City
from loadtests.comparison import wrk
from loadtests.comparison.pinned import mebibytes
from loadtests.comparison.records import Record
from loadtests.comparison.requests import prepared
from loadtests.comparison.servers import Server
from loadtests.comparison.tasks import Task
from loadtests.processes import cpu_of_all, spent

_QUIET = 0.003
"""CPU seconds in a look that count as nothing: a tenth of a CPU. A hub that nobody asks uses a thirtieth."""
_LOOK, _LOOKS, _LONGEST = 0.03, 8, 4.0
_SLOW = 4
"""Times the seconds for a server that has answered nothing in these."""
Processes = Callable[[], Iterable[int]]


def rounds(
    block: str, tasks: Sequence[Task], servers: Sequence[Server], source: Processes, city: City, count: int, folder: Path, failed: dict[tuple[str, str], str]
) -> list[Record]:
    """Each task by all of its servers in turn, as often; every other round the other way round. Whose answers are wrong joins ``failed`` and is left out."""
    found: list[Record] = []
    for number in range(count):
        began = time.monotonic()
        for task in tasks:
            taking_part = [server for name in task.servers for server in servers if server.name == name]
            for server in taking_part[:: -1 if number % 2 else 1]:
                if (task.code, server.name) in failed:
                    continue
                try:
                    found.append(measured(block, task, server, source, city, number, folder))
                except wrk.BadAnswers as fault:
                    failed[task.code, server.name] = f"{block} {task.code} {server.name}: {fault}"
        sys.stderr.write(f"{block}: round {number + 1} of {count}, {time.monotonic() - began:.0f} s\n")
    return found


def measured(block: str, task: Task, server: Server, source: Processes, city: City, number: int, folder: Path) -> Record:
    """One round of one server.

    Raises:
        BadAnswers: a figure would be worth nothing.
    """
    requests = prepared(server, task, city, number)
    try:
        before, load = _loaded(task.seconds, task, server, source, requests, folder)
    except wrk.NoAnswers:
        before, load = _loaded(_SLOW * task.seconds, task, server, source, requests, folder)
    readings = zip(before, (server.processes, server.control, source), strict=True)
    # A server goes on with requests whose caller has gone when time was up: what it spends on them is divided by all that were sent.
    own, control, there = (1e6 * spent(earlier, cpu_of_all(each())) / load.asked for earlier, each in readings)
    processes = server.processes()
    return Record(
        block=block,
        task=task.code,
        server=server.name,
        round=number,
        cpu=own + control,
        control=control,
        source=there,
        per_second=load.per_second,
        p50=load.p50,
        p99=load.p99,
        bytes=load.bytes_each,
        answered=load.answered,
        asked=load.asked,
        resident=mebibytes(processes, "VmRSS"),
        peak=mebibytes(processes, "VmHWM"),
    )


def _loaded(seconds: int, task: Task, server: Server, source: Processes, requests: Sequence[bytes], folder: Path) -> tuple[list[dict[int, float]], wrk.Load]:
    before = [cpu_of_all(each()) for each in (server.processes, server.control, source)]
    try:
        return before, wrk.run(server.port, task.connections, seconds, requests, folder)
    finally:
        settle(server, source)


def settle(server: Server, source: Processes) -> None:
    """Waits until neither the server nor its databases have work left, also such as comes a moment later: a hub indexes what it has answered."""
    until = time.monotonic() + _LONGEST
    every = [*server.processes(), *server.control(), *source()]
    before, quiet = cpu_of_all(every), 0
    while time.monotonic() < until and quiet < _LOOKS:
        time.sleep(_LOOK)
        after = cpu_of_all(every)
        quiet = quiet + 1 if spent(before, after) < _QUIET else 0
        before = after
