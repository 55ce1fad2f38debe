"""A resource withdrawn at one node, or at the command line, is withdrawn at the other within a second (OPN-13)."""

from __future__ import annotations

from functools import partial

import pytest

from hub.withdrawal.service import WithdrawalService
from tests.catalog.homes import CONSOLE
from tests.hub.running import RunningHub
from tests.nodes.cluster import LIST, PERMITS, Cluster, in_a_second

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nodes")]
WITHDRAW = """mutation { withdrawResource(input: {resource: "transport.permit", reason: "leak"}) {
  withdrawal { state recipients { name calls } } problems { code } } }"""
COUNTED = {"transport": {"permits": {"totalCount": PERMITS}}}


def is_served(node: RunningHub) -> bool:
    return not node.ask("withdrawing", LIST).codes


def test_both_nodes_withdraw_and_give_back(cluster: Cluster) -> None:
    cluster.ready_application("withdrawing")
    assert cluster.second.ask("withdrawing", LIST).data == COUNTED
    done = cluster.first.govern("security_admin", WITHDRAW).data["withdrawResource"]
    try:
        assert (done["problems"], done["withdrawal"]["state"]) == ([], "WITHDRAWN")
        assert {"name": "withdrawing", "calls": 1} in done["withdrawal"]["recipients"]
        assert set(cluster.first.ask("withdrawing", LIST).codes) == {"FORBIDDEN"}
        in_a_second(lambda: set(cluster.second.ask("withdrawing", LIST).codes) == {"FORBIDDEN"})
    finally:
        core = cluster.core
        WithdrawalService(core.engine, core.acts, core.catalog.current).restore(CONSOLE, "transport.permit", "checked")
    for node in cluster.nodes[:2]:
        in_a_second(partial(is_served, node))
