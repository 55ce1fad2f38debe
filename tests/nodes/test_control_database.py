"""A control database that hangs or is gone: nobody is served on rights that cannot be checked, and all is well again by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.nodes.cluster import LIST, PERMITS, Cluster, node
from tests.servers.faults import Mode, fault_proxy
from tests.servers.postgres import Postgres, free_port
from tests.store.databases import control_database

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nodes")]
_SECONDS = 30.0


def wait_for(look: Callable[[], bool]) -> None:
    """Until it holds."""
    until = time.monotonic() + _SECONDS
    while not look():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_control_database_that_hangs_or_is_gone(cluster: Cluster, postgres: Postgres) -> None:
    cluster.ready_application("patient")
    admin = free_port()
    with fault_proxy(postgres.host, postgres.port) as proxy:
        url = control_database(postgres, "nodes").replace(f":{postgres.port}/", f":{proxy.port}/")
        with node(cluster, 4, url, {"HUITONG_ADMIN_PORT": str(admin)}) as fourth:
            fourth._tokens["patient", None] = cluster.first._tokens["patient", None]
            assert fourth.ask("patient", LIST).data == {"transport": {"permits": {"totalCount": PERMITS}}}
            for mode in (Mode.DEAD, Mode.HANG):
                proxy.switch(mode)
                answer = fourth.ask("patient", LIST)
                assert (answer.status, answer.codes) == (503, ["LEDGER_UNAVAILABLE"])
                assert answer.response.headers["retry-after"]
                assert fourth.http("GET", "/health/live").status_code == 200
                if mode is Mode.HANG:
                    wait_for(lambda: "state_not_followed" in fourth.client.get(f"http://127.0.0.1:{admin}/health/ready").text)
                    assert "rights cannot be checked" in fourth.ask("patient", LIST).errors[0]["message"]
                proxy.switch(Mode.PASS)
                wait_for(lambda: fourth.http("GET", "/health/ready").status_code == 200)
                assert fourth.ask("patient", LIST).status == 200
            assert cluster.first.ask("patient", LIST).status == 200
