"""B8: masks that complement one another across grants are found, those of one department first."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from hub.cli.app import app
from hub.core import Core
from hub.sharing.complementary import as_rows, complements
from masking.complementary import together_show_more
from masking.rules import declare, parse_mask
from tests.catalog.homes import CONSOLE, publish
from tests.catalog.small import changed
from tests.sharing.conftest import PURPOSES
from tests.sharing.terms import terms

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("one", "other", "more"),
    [
        ("KEEP_FIRST_3_LAST_0", "KEEP_FIRST_0_LAST_4", True),
        ("KEEP_FIRST_3_LAST_4", "KEEP_FIRST_1_LAST_1", False),
        ("KEEP_FIRST_3_LAST_1", "KEEP_FIRST_1_LAST_3", True),
        ("KEEP_FIRST_3_LAST_4", "KEEP_FIRST_3_LAST_4", False),
        ("NULL", "KEEP_FIRST_3_LAST_4", False),
        ("CONSTANT(***)", "KEEP_FIRST_3_LAST_4", False),
        ("NAME", "KEEP_FIRST_0_LAST_1", True),
        ("ADDRESS_TO_DISTRICT", "ADDRESS_TO_DISTRICT", False),
        ("KEEP_FIRST_6_LAST_0", "MASK_FROM_0_TO_5", True),
        ("KEEP_FROM_6_TO_13", "MASK_FROM_6_TO_13", True),
        ("KEEP_FROM_6_TO_13", "KEEP_FROM_8_TO_9", False),
        ("KEEP_FIRST_6_LAST_4", "MASK_FROM_6_TO_13", False),
        ("MASK_FIRST_2_LAST_2", "KEEP_FROM_3_TO_4", True),
        ("PHONE", "KEEP_FIRST_3_LAST_4", False),
        ("PHONE", "KEEP_FIRST_0_LAST_3", False),
        ("PHONE", "KEEP_FIRST_0_LAST_5", True),
        ("PHONE", "PHONE_FIXED", False),
        ("KEEP_FIRST_1_LAST_0", "KEEP_FIRST_3_LAST_0_FIXED", True),
        ("PSEUDONYM", "PHONE", False),
        ("EMAIL", "MASK_AFTER_SPECIAL_CHARS(@)", True),
        ("MASK_AFTER_SPECIAL_CHARS(@)", "MASK_AFTER_SPECIAL_CHARS(-)", True),
        ("DATE_TO_YEAR", "DATE_TO_BAND(10)", False),
        ("DATE_TO_BAND(5)", "DATE_TO_BAND(10)", False),
        ("DATE_TO_BAND(4)", "DATE_TO_BAND(10)", True),
        ("NUMBER_TO_INTERVAL(1000)", "NUMBER_TO_INTERVAL(5000)", False),
        ("NUMBER_TO_INTERVAL(1000)", "NUMBER_TO_INTERVAL(1500)", True),
        ("NUMBER_ROUND(1000)", "NUMBER_ROUND(3000)", False),
        ("NUMBER_ROUND(1000)", "NUMBER_ROUND(2000)", True),
        ("NUMBER_ROUND(1000)", "NUMBER_TO_INTERVAL(1000)", True),
    ],
)
def test_which_masks_show_more_together(one: str, other: str, more: bool) -> None:
    first, second = parse_mask(one), parse_mask(other)
    assert first is not None
    assert second is not None
    assert together_show_more(first, second) is together_show_more(second, first) is more


def test_another_name_version_or_share_of_one_rule_adds_nothing() -> None:
    own = declare("own", "KEEP_FIRST_N_LAST_M", {"first_n": 3, "last_m": 4}, version=2, share=100)
    assert not together_show_more(own, declare("other", "KEEP_FIRST_N_LAST_M", {"first_n": 3, "last_m": 4}))
    assert not together_show_more(declare("one", "NAME", {}, share=50), declare("other", "NAME", {}))


def _masked(application: str, mask: str) -> dict[str, object]:
    return terms(application=application, rows=None, items=[{"code": "id_number", "value": "MASKED", "key": True, "mask": mask}])


def test_b8_two_applications_that_see_the_two_ends_are_found(core: Core) -> None:
    core.sharing.create_application(CONSOLE, "archive", "civil_affairs", PURPOSES, [])
    core.sharing.create_application(CONSOLE, "third", "civil_affairs", PURPOSES, [])
    first = core.sharing.create_grant(CONSOLE, _masked("housing", "KEEP_FIRST_6_LAST_0"))
    second = core.sharing.create_grant(CONSOLE, _masked("archive", "KEEP_FIRST_0_LAST_4"))
    core.sharing.create_grant(CONSOLE, _masked("third", "NULL"))
    snapshot = core.catalog.current()
    with core.engine.connect() as connection:
        found = as_rows(complements(connection, snapshot))
        assert complements(connection, snapshot, second.id) == complements(connection, snapshot)
    assert [(row["resource"], row["item"], row["same_department"]) for row in found] == [("civil_affairs.person", "id_number", True)]
    assert found[0]["grants"] == sorted([first.id, second.id])
    core.sharing.change_grant(CONSOLE, second.id, "REVOKED")
    with core.engine.connect() as connection:
        assert complements(connection, snapshot) == []


AGAIN = """
[[resources.items]]
code = "number_again"
name = "号码"
type = "string"
column = "id"
mask = {share = "KEEP_FIRST_0_LAST_4"}
"""


def test_b8_two_items_of_one_column_are_found_in_one_grant(core: Core) -> None:
    publish(core, changed("[[resources.links]]", AGAIN + "\n[[resources.links]]"))
    items = [
        {"code": "id_number", "value": "MASKED", "key": True, "mask": "KEEP_FIRST_6_LAST_0"},
        {"code": "number_again", "value": "MASKED", "key": False},
    ]
    made = core.sharing.create_grant(CONSOLE, terms(rows=None, items=items))
    with core.engine.connect() as connection:
        (found,) = complements(connection, core.catalog.current())
    assert (found.item, found.same_department, found.first.grant, found.second.grant) == ("id_number + number_again", True, made.id, made.id)


def test_b8_what_the_catalog_shows_to_all_adds_to_what_it_gives_departments_and_grants(core: Core) -> None:
    text = changed('mask = {share = "NAME"}', 'mask = {share = "KEEP_FIRST_6_LAST_0", open = "KEEP_FIRST_0_LAST_4"}')
    for old, new in (('"INTERNAL"', '"PUBLIC"'), ('"CONDITIONAL"', '"UNCONDITIONAL"'), ('"CLOSED"', '"OPEN"')):
        text = changed(old, new, text)
    publish(core, text)
    made = core.sharing.create_grant(CONSOLE, _masked("housing", "KEEP_FIRST_1_LAST_0"))
    with core.engine.connect() as connection:
        found = as_rows(complements(connection, core.catalog.current()))
        assert len(complements(connection, core.catalog.current(), made.id)) == 1
    assert [(row["grants"], row["same_department"], row["masks"]) for row in found] == [
        ([], True, ["KEEP_FIRST_0_LAST_4", "KEEP_FIRST_6_LAST_0"]),
        ([made.id], True, ["KEEP_FIRST_0_LAST_4", "KEEP_FIRST_1_LAST_0"]),
    ]


def test_the_command_line_fails_where_one_department_holds_both(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(core.settings.home))
    core.sharing.create_application(CONSOLE, "archive", "civil_affairs", PURPOSES, [])
    core.sharing.create_grant(CONSOLE, _masked("housing", "KEEP_FIRST_6_LAST_0"))
    assert CliRunner().invoke(app, ["grant", "lint"]).exit_code == 0
    core.sharing.create_grant(CONSOLE, _masked("archive", "KEEP_FIRST_0_LAST_4"))
    found = CliRunner().invoke(app, ["grant", "lint", "--json"])
    assert found.exit_code == 1
    assert json.loads(found.stdout)[0]["masks"] == ["KEEP_FIRST_6_LAST_0", "KEEP_FIRST_0_LAST_4"]


def test_b8_rules_that_a_department_declares_are_compared_by_what_they_show(core: Core) -> None:
    rules = "".join(
        f'[[masks]]\ncode = "{code}"\nname = "一端"\nalgorithm = "KEEP_FIRST_N_LAST_M"\nprops = {{first-n = {first}, last-m = {last}}}\nversion = 1\n\n'
        for code, first, last in (("head", 6, 0), ("tail", 0, 4))
    )
    publish(core, changed("[[resources]]", rules + "[[resources]]"))
    core.sharing.create_application(CONSOLE, "archive", "civil_affairs", PURPOSES, [])
    core.sharing.create_grant(CONSOLE, _masked("housing", "head"))
    core.sharing.create_grant(CONSOLE, _masked("archive", "tail"))
    with core.engine.connect() as connection:
        assert [row["masks"] for row in as_rows(complements(connection, core.catalog.current()))] == [["head", "tail"]]
