"""The servers that the hub is compared with all answer the same; PostGraphile is looked at by ``make bench``, which installs it."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from loadtests.city import City
from loadtests.peers import PEERS
from loadtests.peers.workloads import COUNTS, HUB, HUB_ONLY, ITEMS, WORKLOADS, normal, request
from tests.loadtests.small_city import SMALL, filled
from tests.servers.postgres import Postgres, free_port

_PYTHON = ("limit-held", "limit-pool", "strawberry", "ariadne")
_SECONDS = 60.0


@pytest.fixture(scope="module")
def peers(postgres: Postgres) -> Iterator[Mapping[str, httpx2.Client]]:
    """Clients of the running peers."""
    dsn = filled(postgres, "bench_peers")
    with ExitStack() as stack:
        ports = {name: free_port() for name in _PYTHON}
        processes = [subprocess.Popen(PEERS[name].start(port, dsn)) for name, port in ports.items()]
        for process in processes:
            stack.callback(process.wait)
        for process in processes:
            stack.callback(process.terminate)
        clients = {name: stack.enter_context(httpx2.Client(base_url=f"http://127.0.0.1:{port}")) for name, port in ports.items()}
        for client, process in zip(clients.values(), processes, strict=True):
            _wait(client, process)
        yield clients


@pytest.mark.slow
@pytest.mark.parametrize("workload", WORKLOADS)
def test_all_answer_the_same(peers: Mapping[str, httpx2.Client], workload: str) -> None:
    for seed in range(3):
        answers = {name: _ask(client, name, workload, seed) for name, client in peers.items()}
        first = answers["limit-held"]
        assert first
        assert answers == dict.fromkeys(answers, first)
        if workload in COUNTS:
            assert isinstance(first, list)
            assert len(first) == COUNTS[workload]


@pytest.mark.slow
def test_who_is_not_there_is_null_everywhere(peers: Mapping[str, httpx2.Client]) -> None:
    for name, client in peers.items():
        path, body = request(name, "W1", random.Random(1), SMALL)
        known = SMALL.id_number(random.Random(1).randint(1, SMALL.persons))
        answer = client.post(path, content=body.replace(known.encode(), b"520102190001010000"), headers={"content-type": "application/json"})
        assert normal(name, "W1", answer.content) is None


@pytest.mark.fast
@pytest.mark.parametrize("server", [HUB, *PEERS])
@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_same_draw_asks_all_for_the_same_and_another_for_another(server: str, workload: str) -> None:
    asked = request(server, workload, random.Random(1), City())
    assert asked == request(server, workload, random.Random(1), City())
    if workload != "W5":
        assert asked != request(server, workload, random.Random(2), City())


@pytest.mark.fast
def test_documents_are_others_in_another_round_and_each_its_own_where_wanted() -> None:
    rng = random.Random(1)
    rounds = {request(HUB, workload, random.Random(1), replace(SMALL, round=n))[1] for n in range(5) for workload in (*WORKLOADS, *HUB_ONLY)}
    assert len(rounds) == 5 * (len(WORKLOADS) + len(HUB_ONLY))
    assert len({request(HUB, "W5", rng, replace(SMALL, unique=True)) for _ in range(5)}) == 5


@pytest.mark.fast
def test_every_document_asks_for_all_eight_items() -> None:
    for server in (HUB, "strawberry", "postgraphile"):
        assert all(item.encode() in request(server, "W2", random.Random(1), SMALL)[1] for item in ITEMS)


@pytest.mark.fast
def test_errors_are_no_answers() -> None:
    with pytest.raises(ValueError, match="with errors"):
        normal("strawberry", "W1", b'{"data": null, "errors": [{"message": "no"}]}')
    with pytest.raises(ValueError, match="root type"):
        normal("limit-held", "W5", b"{}")


@pytest.mark.fast
def test_each_peer_tells_its_versions_and_its_sources() -> None:
    for peer in PEERS.values():
        assert peer.version()
        assert all(Path(source).is_file() for source in peer.sources)


def _ask(client: httpx2.Client, name: str, workload: str, seed: int) -> object:
    path, body = request(name, workload, random.Random(seed), SMALL)
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    return normal(name, workload, answer.content)


def _wait(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _SECONDS
    while True:
        try:
            client.post("/graphql", json={"query": "{ __typename }"})
        except httpx2.ConnectError:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return
