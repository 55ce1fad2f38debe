"""The demonstration's declared masks: read from files, masked there, told by code."""

from __future__ import annotations

import re

import pytest

from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]


def test_a_departments_own_rule_masks_and_hides_the_length(hub: RunningHub) -> None:
    answer = hub.ask("housing", "{ waterSupply { accounts(first: 20) { nodes { accountNo householdNo } } } }")
    shown = [node["householdNo"] for node in answer.data["waterSupply"]["accounts"]["nodes"]]
    assert len(shown) == 20
    assert all(re.fullmatch(r"520102\*{6}", each) for each in shown), shown[:3]
    assert answer.content["extensions"]["masking"] == {"waterSupply.accounts.nodes.householdNo": "household_area"}


def test_the_catalog_tells_the_holder_of_a_grant_by_which_rule(hub: RunningHub) -> None:
    items = hub.ask("housing", '{ resource(code: "water_supply.account") { items { code access mask } } }').data["resource"]["items"]
    assert {item["code"]: item["mask"] for item in items if item["access"] == "MASKED"} == {
        "household_no": "household_area",
        "address": "ADDRESS_TO_DISTRICT",
    }
