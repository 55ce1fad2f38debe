"""Clear and weaker views are given explicitly: the entry of whoever approves names them (MSK-03). Grants by a rule that a department declares."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from auth.decide import decide
from auth.rights import GrantItem, Shown
from hub.core import Core
from hub.ledger import tables
from hub.sharing.unmasked import unmasked
from tests.catalog.homes import SECURITY, publish, refused
from tests.catalog.small import SMALL, changed
from tests.sharing.sides import granted
from tests.sharing.terms import client, terms

pytestmark = pytest.mark.slow

RULE = '[[masks]]\ncode = "tail"\nname = "末位"\nalgorithm = "KEEP_FIRST_N_LAST_M"\nprops = {first-n = 0, last-m = 1}\nversion = 1\n\n'
DECLARED = changed("[[resources]]", RULE + "[[resources]]")
SENSITIVE = changed('column = "born"', 'column = "born"\nmarks = ["sensitive"]')
SCOPES = frozenset({"query:civil_affairs.person"})


def entries(core: Core, act: str) -> list[dict[str, Any]]:
    with core.engine.connect() as connection:
        written = [json.loads(row) for row in connection.execute(select(tables.entry.c.canonical).order_by(tables.entry.c.seq)).scalars()]
    return [each["details"] for each in written if each.get("operation") == act]


def shown(core: Core, code: str) -> Any:
    core.registry.refresh()
    found = decide(core.catalog.current().resources["civil_affairs.person"].policy, core.registry.rights(client(core), SCOPES))
    assert found is not None
    return found.items[code]


def masked(mask: str | None) -> list[dict[str, Any]]:
    return [{"code": "id_number", "value": "MASKED", "key": False, "mask": mask}]


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (masked(None), {}),
        (masked("NAME"), {}),
        (masked("NULL"), {}),
        (masked("KEEP_FIRST_6_LAST_4"), {"weaker": ["id_number: KEEP_FIRST_6_LAST_4@1 > NAME@1"]}),
        (masked("tail"), {"weaker": ["id_number: tail@1 > NAME@1"]}),
        ([{"code": "id_number", "value": "CLEAR", "key": True}], {"clear": ["id_number"]}),
        ([{"code": "id_number", "value": None, "key": True}], {}),
        ([{"code": "birth_date", "value": "CLEAR"}], {"clear": ["birth_date"]}),
        ([{"code": "birth_date", "value": "MASKED", "mask": "DATE_TO_YEAR"}], {"weaker": ["birth_date: DATE_TO_YEAR@1 > DENY"]}),
        ([{"code": "gone", "value": "CLEAR"}], {}),
        (masked("NAEM"), {}),
    ],
)
def test_what_is_beyond_the_catalogs_own_masks(core: Core, items: list[dict[str, Any]], told: dict[str, list[str]]) -> None:
    publish(core, changed("[[resources]]", RULE + "[[resources]]", SENSITIVE))
    assert unmasked(core.catalog.current().resources["civil_affairs.person"], items) == told


def test_the_entry_of_a_recorded_grant_names_clear_views_and_who_approved_them(core: Core) -> None:
    publish(core, SENSITIVE)
    core.sharing.create_grant(SECURITY, terms())
    assert [(each["clear"], each["approver"]) for each in entries(core, "createGrant")] == [(["birth_date"], "王局长")]


def test_the_entry_of_an_approval_names_them_and_no_other_step_does(core: Core) -> None:
    publish(core, SENSITIVE)
    granted(core)
    assert [each.get("clear") for each in entries(core, "reviewRequest")] == [["birth_date"]]
    others = [each for act in ("requestAccess", "endorseRequest", "checkRequest", "signAgreement") for each in entries(core, act)]
    assert len(others) >= 4
    assert all("clear" not in each for each in others)


def test_so_many_items_that_an_entry_cannot_hold_them_are_counted(core: Core) -> None:
    item = '[[resources.items]]\ncode = "{0}"\nname = "{0}"\ntype = "string"\ncolumn = "{0}"\nmarks = ["sensitive"]\n\n'
    codes = [f"item_{n}_{'x' * 40}" for n in range(300)]
    publish(core, changed("[[resources.items]]", "".join(map(item.format, codes)) + "[[resources.items]]"))
    core.sharing.create_grant(SECURITY, terms(items=[{"code": code, "value": "CLEAR"} for code in codes], rows=None))
    (told,) = entries(core, "createGrant")
    assert told["clear_left_out"] == 300 - len(told["clear"]) > 100


def test_nothing_is_told_where_nothing_is_masked(core: Core) -> None:
    core.sharing.create_grant(SECURITY, terms())
    assert ["clear" in each or "approver" in each for each in entries(core, "createGrant")] == [False]


def test_a_grant_by_a_declared_rule_follows_the_catalog(core: Core) -> None:
    publish(core, DECLARED)
    made = core.sharing.create_grant(SECURITY, terms(items=masked("tail"), rows=None))
    found = shown(core, "id_number")
    assert (found.shown, found.mask.label, found.mask.version, found.mask.parameters) == (Shown.MASKED, "tail", 1, (0, 1))
    rights = core.registry.rights(client(core), SCOPES)
    assert rights.grants["civil_affairs.person"].items == (GrantItem("id_number", Shown.MASKED, declared="tail"),)
    publish(core, changed("version = 1", "version = 2", changed("last-m = 1", "last-m = 0", DECLARED)))
    assert (shown(core, "id_number").mask.version, shown(core, "id_number").mask.parameters) == (2, (0, 0))
    publish(core, SMALL)
    assert shown(core, "id_number").shown is Shown.ABSENT
    assert core.sharing.change_grant(SECURITY, made.id, "REVOKED").state == "REVOKED"


@pytest.mark.parametrize("given", [masked("tial"), [{"code": "birth_date", "value": "MASKED", "mask": "tail"}]], ids=["unknown", "of another type"])
def test_a_rule_that_cannot_mask_the_item_is_refused(core: Core, given: list[dict[str, Any]]) -> None:
    publish(core, DECLARED)
    assert [problem.path for problem in refused(core.sharing.create_grant, SECURITY, terms(items=given))] == ["items[0].mask"]


@pytest.mark.parametrize("mask", ["NAME", "bogus"])
@pytest.mark.parametrize("value", ["CLEAR", None])
def test_a_mask_stands_with_a_masked_value_alone(core: Core, value: str | None, mask: str) -> None:
    """Else a reader of the terms would take for masked what is shown in clear."""
    given = [{"code": "id_number", "value": value, "key": True, "mask": mask}]
    assert [problem.path for problem in refused(core.sharing.create_grant, SECURITY, terms(items=given))] == ["items[0].mask"]
