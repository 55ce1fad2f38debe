"""Masking previews: synthetic values alone, whom a rule concerns, what to be warned of; E14: quasi-identifiers in clear are told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import event
from typer.testing import CliRunner

from hub.cli.app import app
from hub.core import Core
from hub.masking.preview import Asked, Declaration, Preview, preview
from hub.masking.quasi import quasi_sets
from tests.catalog.homes import CONSOLE, refused
from tests.masking_preview.conftest import grant

pytestmark = pytest.mark.slow
PERSON = "civil_affairs.person"


def made(core: Core, only: str | None = None, **asked: Any) -> Preview:
    return preview(Asked(**asked), core.catalog.current(), core.registry.applications(), only)


def codes(found: Preview) -> set[str]:
    return {warning.code for warning in found.warnings}


def test_an_items_own_rule_and_meaning_are_previewed(core: Core) -> None:
    found = made(core, resource=PERSON, item="phone")
    assert [(row.masked, row.count.candidates) for row in found.rows] == [(f"{str(row.value)[:3]}****{str(row.value)[-4:]}", 10_000) for row in found.rows]
    assert [(each.application, each.item, each.by) for each in found.touched] == [("housing", "phone", "catalog")]
    assert "FEW_CANDIDATES" in codes(found)


def test_a_number_masked_6_4_beside_the_birthday_is_told_as_no_mask(core: Core) -> None:
    found = made(core, rule="KEEP_FIRST_6_LAST_4", resource=PERSON, item="id_number")
    assert [(each.application, each.by) for each in found.touched] == [("housing", "grant")]
    assert {"FEW_CANDIDATES", "FEW_WITH_MORE", "SHOWN_TOGETHER"} <= codes(found)
    together = next(warning for warning in found.warnings if warning.code == "SHOWN_TOGETHER")
    assert together.en == "housing sees civil_affairs.person.birth_date as well: 1 candidates of id_number remain"


def test_a_masked_item_that_is_also_a_key_is_told_where_few_candidates_remain(core: Core) -> None:
    few, many = (made(core, rule=rule, resource=PERSON, item="id_number") for rule in ("KEEP_FIRST_6_LAST_4", "NULL"))
    assert "TRIED_BY_KEY" not in codes(few) | codes(many)
    number = grant(core, "finder", id_number="MASKED", key="id_number")
    core.registry.refresh()
    try:
        few, many = (made(core, rule=rule, resource=PERSON, item="id_number") for rule in ("KEEP_FIRST_6_LAST_4", "NULL"))
    finally:
        core.sharing.change_grant(CONSOLE, number, "REVOKED")
        core.registry.refresh()
    assert "TRIED_BY_KEY" not in codes(many)
    (warning,) = (each for each in few.warnings if each.code == "TRIED_BY_KEY")
    assert warning.en.startswith("finder may look up by id_number, too")


def test_a_rule_that_is_not_saved_touches_whoever_sees_the_item_through_the_rule_it_would_replace(core: Core) -> None:
    declaration = Declaration("MASK_FROM_X_TO_Y", {"from_x": 3, "to_y": 9})
    found = made(core, declaration=declaration, resource=PERSON, item="phone")
    assert [each.application for each in found.touched] == ["housing"]
    assert found.rows[0].count.candidates == 10**7
    assert made(core, declaration=declaration).touched == ()


def test_pseudonyms_tell_equality_and_nothing_else(core: Core) -> None:
    found = made(core, rule="PSEUDONYM", type="string", values=("11010519491231002X", "１１０１０５１９４９１２３１００２x", "x"))
    assert codes(found) == {"EQUALITY_SHOWS"}
    first, same, other = (row.masked for row in found.rows)
    assert first == same != other
    assert first is not None
    assert first.startswith("p1_")


def test_values_of_ones_own_are_recognised_and_bounded(core: Core) -> None:
    assert made(core, rule="KEEP_FIRST_3_LAST_4", values=("13800138000",)).rows[0].count.candidates == 10_000
    assert refused(made, core, rule="NAME", values=("x" * 201,))[0].path == "values"
    assert refused(made, core, rule="NAME", values=("x",) * 21)[0].path == "values"


@pytest.mark.parametrize(
    ("asked", "code", "path"),
    [
        ({"rule": "NO_SUCH"}, "BAD_INPUT", "rule"),
        ({"rule": "DENY"}, "BAD_INPUT", "rule"),
        ({}, "BAD_INPUT", "rule"),
        ({"rule": "NAME", "type": "text"}, "BAD_INPUT", "type"),
        ({"rule": "NAME", "item": "phone"}, "BAD_INPUT", "resource"),
        ({"rule": "NAME", "resource": "a.b"}, "NOT_FOUND", "resource"),
        ({"rule": "NAME", "resource": PERSON, "item": "iris"}, "NOT_FOUND", "item"),
        ({"declaration": Declaration("NO_SUCH")}, "BAD_INPUT", "rule"),
    ],
)
def test_what_cannot_be_previewed_is_refused(core: Core, asked: dict[str, Any], code: str, path: str) -> None:
    problem = refused(made, core, **asked)[0]
    assert (problem.code, problem.path) == (code, path)


def test_a_rule_of_another_type_withholds_and_says_so(core: Core) -> None:
    found = made(core, rule="NAME", type="date")
    assert {row.masked for row in found.rows} == {None}
    assert "NOT_APPLICABLE" in codes(found)


def test_a_steward_is_told_of_the_own_department_alone(core: Core) -> None:
    assert made(core, rule="KEEP_FIRST_6_LAST_4", only="civil_affairs").touched_count == 1
    assert made(core, rule="KEEP_FIRST_6_LAST_4", only="housing").touched_count == 0


def test_nothing_is_read_for_a_preview(core: Core) -> None:
    snapshot, apps, seen = core.catalog.current(), core.registry.applications(), []
    event.listen(core.engine, "before_cursor_execute", lambda *_: seen.append(1))
    preview(Asked(resource=PERSON, item="phone"), snapshot, apps)
    assert seen == []


def test_e14_quasi_identifiers_that_one_caller_sees_in_clear_are_told(core: Core) -> None:
    (found,) = [one for one in quasi_sets(core.catalog.current(), core.registry.applications()) if one.resource == PERSON]
    assert (found.application, found.items) == ("research", ("gender", "birth_date", "district"))
    assert "QUASI_IDENTIFIERS" not in codes(made(core, resource=PERSON, item="id_number", rule="KEEP_FIRST_6_LAST_4"))
    warned = {warning.code: warning.en for warning in made(core, resource=PERSON, item="name").warnings}
    assert warned["QUASI_IDENTIFIERS"] == f"research sees gender, birth_date, district of {PERSON} in clear besides, which together name people"


def test_e14_the_command_line_tells_them(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(core.settings.home))
    found = CliRunner().invoke(app, ["grant", "lint", "--json"])
    assert found.exit_code == 0
    assert [(row["finding"], row["application"], row["items"]) for row in json.loads(found.stdout)] == [
        ("QUASI_IDENTIFIERS", "research", ["gender", "birth_date", "district"])
    ]
    assert "DATE_TO_YEAR" in CliRunner().invoke(app, ["grant", "lint"]).stdout


def test_the_command_line_previews_and_lists(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(core.settings.home))
    shown = CliRunner().invoke(app, ["mask", "preview", "--rule", "KEEP_FIRST_6_LAST_4", "--resource", PERSON, "--item", "id_number"])
    assert shown.exit_code == 0
    assert "! SHOWN_TOGETHER" in shown.stdout
    plain = json.loads(
        CliRunner().invoke(app, ["mask", "preview", "--algorithm", "KEEP_FIRST_N_LAST_M", "--props", '{"first_n": 3, "last_m": 4}', "--json"]).stdout
    )
    assert {row["candidates"] for row in plain["values"] if row["meaning"] == "MOBILE"} == {"10000"}
    listed = json.loads(CliRunner().invoke(app, ["mask", "list", "--json"]).stdout)
    assert any("KEEP_FIRST_<n>_LAST_<m>" in row["rule"] for row in listed["rules"])
    assert CliRunner().invoke(app, ["mask", "preview", "--algorithm", "NAME", "--props", "["]).exit_code != 0
    assert CliRunner().invoke(app, ["mask", "preview", "--rule", "NAME", "--share", "50"]).exit_code != 0
    unknown = CliRunner().invoke(app, ["mask", "list", "nobody"])
    assert unknown.exit_code != 0
    assert "nobody" in str(unknown.exception)
