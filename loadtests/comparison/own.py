"""What is asked of the hub alone: a large answer's memory, latency at half of what it can carry, what a known token costs, one fsync of the disk."""

from __future__ import annotations

import time
from pathlib import Path

import httpx2

from auth.keys import KeyRing
from auth.revocations import RevocationList
from auth.tokens import TokenIssuer, TokenVerifier
from loadtests.city import City
from loadtests.comparison.cold import large_document
from loadtests.comparison.pinned import SERVERS, forget_peak, mebibytes, starting
from loadtests.comparison.requests import prepared
from loadtests.comparison.servers import Server
from loadtests.comparison.steady import latencies, percentile
from loadtests.comparison.tasks import Task
from loadtests.comparison.verdicts import Bound, Verdict, large, steady
from loadtests.processes import cpu_of_all, spent

_LARGE = 3
"""Large answers; the one that needed most counts."""
_VERIFIED = 20_000
_IDLE_SECONDS = 3.0
_ISSUER = "https://hub.example"


class _NoneRevoked:
    """A store of revocations that is empty."""

    def add(self, jti: str, expires_at: int) -> None:
        """Nothing is revoked here."""

    def unexpired(self, now: int) -> list[tuple[str, int]]:
        """Nothing was."""
        return []


def measure_large(server: Server, city: City, figures: dict[str, object]) -> Verdict:
    """Memory that a process needs beyond what it holds at rest, for an answer of many MiB.

    Raises:
        RuntimeError: the answer was not what it should be.
    """
    body = large_document(city)
    heads = server.heads(0, 1, "one")[0].decode("ascii").strip()
    given = dict(line.split(": ", 1) for line in heads.split("\r\n")) | {"content-type": "application/json", "accept": "application/graphql-response+json"}
    given["accept-encoding"] = "identity"
    sizes, grown, spent_each = [], [], []
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=120) as client:
        client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=given)
        for _ in range(_LARGE):
            time.sleep(0.3)
            resident = mebibytes([server.process], "VmRSS")
            forget_peak(server.process)
            before = cpu_of_all([server.process])
            answer = client.post("/graphql", content=body, headers=given)
            if answer.status_code != 200 or b'"errors"' in answer.content[-4000:]:
                raise RuntimeError(f"a large answer: {answer.status_code} {answer.text[:500]}")
            sizes.append(len(answer.content))
            grown.append(mebibytes([server.process], "VmHWM") - resident)
            spent_each.append(1000 * spent(before, cpu_of_all([server.process])))
    figures["large answer"] = {"MiB": [size / 2**20 for size in sizes], "memory MiB": grown, "CPU ms": spent_each}
    # Later ones may find memory that the first has left.
    return large(sizes[0], int(max(grown) * 2**20))


def measure_idle(server: Server, figures: dict[str, object]) -> None:
    """What a hub spends that nobody asks: it counts where requests are few, as with new documents."""
    before = cpu_of_all([server.process])
    time.sleep(_IDLE_SECONDS)
    figures["idle hub, CPU ms per second"] = 1000 * spent(before, cpu_of_all([server.process])) / _IDLE_SECONDS


def measure_steady(server: Server, task: Task, city: City, saturation: float, seconds: float, figures: dict[str, object]) -> Verdict:
    """Latency at half of the rate that the closed loop reached."""
    found = latencies(server.port, saturation / 2, seconds, prepared(server, task, city, 0), task.connections)
    middle, high = percentile(found, 0.5), percentile(found, 0.99)
    figures[f"latency at half, {task.code}"] = {"per second": saturation / 2, "requests": len(found), "p50 ms": middle, "p99 ms": high, "most ms": max(found)}
    return steady(task.code, middle, high)


def measure_token(folder: Path, lookup: float, figures: dict[str, object]) -> Verdict:
    """What the check of a token that is known costs, against a look-up's CPU in µs."""
    with starting(SERVERS):
        keys = KeyRing(folder / "token-keys")
        verifier = TokenVerifier(_ISSUER, keys, RevocationList(_NoneRevoked()), lambda _: True)
        token = TokenIssuer(_ISSUER, keys).issue("app_bench", ["query:register.person", "query:market.company"]).token
        verifier.verify(token)
        began = time.thread_time()
        for _ in range(_VERIFIED):
            verifier.verify(token)
        microseconds = 1e6 * (time.thread_time() - began) / _VERIFIED
    figures["known token µs"] = microseconds
    return Verdict("tokens", "a known token, share of W1's CPU", 100 * microseconds / lookup, Bound(3), "%")
