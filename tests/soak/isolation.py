"""``python -m tests.soak.isolation --seconds S``: quiet and faulty phases by turns; callers of healthy sources are measured while others call a faulty one."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.acceptance.transport import COLUMNS, manifest, published
from tests.hub.running import RunningHub, started, stop
from tests.servers.faults import FaultProxy, Mode, fault_proxy
from tests.servers.postgres import running_postgres
from tests.soak.load import Kind, Outcome, phase
from tests.soak.page import write_page

MODES = (Mode.HANG, Mode.DEAD, Mode.SLOW, Mode.RESET, Mode.GARBAGE, Mode.HALF)
_HEALTHY_RATE, _FAULTY_RATE, _MIXED_RATE = 40.0, 30.0, 5.0
_ROWS = 200
_WARM_SECONDS = 3.0
_SETTINGS = {"HUITONG_CALLER_CALLS": "128"}
"""As a hub has it by default."""
_RECOVERY_SECONDS = 60.0
_FAULTY = "{ transport { permits(first: 20) { nodes { permitNo plate fee } } } }"
_TABLE = """CREATE TABLE permit (permit_id bigint PRIMARY KEY, permit_no text, plate text, fee numeric, active boolean, weight_g bigint,
    load double precision, axles integer, issued_on date, seen_at timestamptz, district text)"""


@dataclass
class Phase:
    """What was seen in one phase. ``cpu`` is the hub's, in seconds per second."""

    mode: Mode
    outcomes: dict[str, Outcome]
    cpu: float
    recovery: float = 0.0
    """Seconds from the end of a fault to the first whole answer."""


async def fill(url: str) -> None:
    """The department's table."""
    connect: Any = asyncpg.connect
    connection = await connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(_TABLE)
        rows = [(i, f"P-{i}", f"plate {i}", None, None, i, None, None, None, None, "520102") for i in range(_ROWS)]
        await connection.copy_records_to_table("permit", records=rows, columns=COLUMNS)
    finally:
        await connection.close()


def kinds(hub: RunningHub) -> list[Kind]:
    """Callers of healthy sources, of the faulty one, and of both in one document."""
    person, company = hub.inside[0], hub.samples["companies"][0]
    one = f'civilAffairs {{ person(idNumber: "{person["id_number"]}") {{ name birthDate }} }}'
    other = f'marketRegulation {{ company(uscc: "{company["uscc"]}") {{ name status }} }}'
    several = "civilAffairs { persons(first: 20) { nodes { name phone district } } }"
    headers = hub.headers("housing")
    return [
        Kind("healthy", [f"{{ {part} }}" for part in (one, other, several)], _HEALTHY_RATE, headers, _whole),
        Kind("faulty", [_FAULTY], _FAULTY_RATE, headers, lambda _: None),
        Kind("mixed", [f"{{ {one} {_FAULTY[2:-2]} }}"], _MIXED_RATE, headers, _half),
    ]


def _whole(content: dict[str, Any]) -> str | None:
    return str(content["errors"][0]["extensions"]["code"]) if content.get("errors") else None


def _half(content: dict[str, Any]) -> str | None:
    """The healthy part must be there."""
    return None if ((content.get("data") or {}).get("civilAffairs") or {}).get("person") else "no healthy part"


def cpu_seconds(process: int) -> float:
    """What a process has used so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(hub: RunningHub, mode: Mode, seconds: float) -> Phase:
    """One phase."""
    before, began = cpu_seconds(hub.process.pid), time.monotonic()
    outcomes = asyncio.run(phase(hub.base, kinds(hub), seconds))
    return Phase(mode, outcomes, (cpu_seconds(hub.process.pid) - before) / (time.monotonic() - began))


def recovered(hub: RunningHub) -> float:
    """Waits until the faulty source is read again; the seconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < _RECOVERY_SECONDS:
        if not hub.ask("housing", _FAULTY).errors:
            return time.monotonic() - began
        time.sleep(0.1)
    raise RuntimeError(f"the source was not read again within {_RECOVERY_SECONDS:.0f} s")


def run(hub: RunningHub, proxy: FaultProxy, modes: Sequence[Mode], seconds: float) -> list[Phase]:
    """A quiet phase and a faulty one for each mode."""
    measured(hub, Mode.PASS, _WARM_SECONDS)
    phases = []
    for mode in modes:
        phases.append(_told(measured(hub, Mode.PASS, seconds)))
        proxy.switch(mode)
        faulty = measured(hub, mode, seconds)
        proxy.switch(Mode.PASS)
        faulty.recovery = recovered(hub)
        phases.append(_told(faulty))
    return phases


def _told(done: Phase) -> Phase:
    healthy = done.outcomes["healthy"]
    failed = dict(healthy.failed + done.outcomes["mixed"].failed)
    p50, p99 = (1000 * healthy.quantile(share) for share in (0.5, 0.99))
    sys.stdout.write(f"{done.mode.value:8} {healthy.calls:6} calls, p50 {p50:6.1f} ms, p99 {p99:6.1f} ms, CPU {done.cpu:4.0%}, failed {failed}\n")
    sys.stdout.flush()
    return done


def soak(directory: Path, modes: Sequence[Mode], seconds: float) -> list[Phase]:
    """All phases, over a hub and a database of their own."""
    with running_postgres() as server, fault_proxy(server.host, server.port) as proxy:
        asyncio.run(fill(server.url()))
        with started(directory / "home", settings=_SETTINGS) as hub:
            address = server.url().replace(f":{server.port}/", f":{proxy.port}/")
            published(hub, manifest("transport", 8901, address, "UNCONDITIONAL"))
            phases = run(hub, proxy, modes, seconds)
            stop(hub)
            return phases


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 where what was wanted was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.isolation", description="Measures callers of healthy sources beside a faulty one.")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each phase")
    parser.add_argument("--modes", nargs="+", default=[mode.value for mode in MODES], choices=[mode.value for mode in MODES], help="ways of failing")
    parser.add_argument("--out", type=Path, default=None, help="directory of the evidence; default docs/evidence")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="huitong-isolation-") as home:
        phases = soak(Path(home), [Mode(name) for name in options.modes], options.seconds)
    return 0 if write_page(phases, options.seconds, options.out) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
