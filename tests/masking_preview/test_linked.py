"""Links that undo masks are told: by the lint, by previews, and in the entry of whoever gives the grant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from hub.cli.app import app
from hub.core import Core
from hub.ledger import tables
from hub.masking.linked import Undone, undone_by_links
from hub.masking.preview import Asked, preview
from tests.catalog.homes import CONSOLE, publish
from tests.masking_preview.conftest import MANIFEST, PURPOSES
from tests.sharing.sides import consumer
from tests.sharing.sides import granted as approved

pytestmark = pytest.mark.slow

PERSON, HOUSEHOLD, ACCOUNT = "civil_affairs.person", "civil_affairs.household", "water_supply.account"
MASK = "KEEP_FIRST_1_LAST_1"
MASKED = {"code": "household_no", "value": "MASKED", "key": True, "mask": MASK}
CLEAR = {"code": "household_no", "value": "CLEAR", "key": True}
KEY = {"code": "household_no", "value": None, "key": True}
GENDER = {"code": "gender", "value": "CLEAR"}
SIZE = {"code": "address", "value": "MASKED"}

Given = list[dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def catalog(core: Core) -> None:
    publish(core, MANIFEST.with_name("water_supply.toml").read_text("utf-8").replace("{home}", "/nowhere"))
    core.sharing.create_application(CONSOLE, "linker", "civil_affairs", PURPOSES, [])


@contextmanager
def granted(core: Core, **items: Given) -> Iterator[None]:
    """``linker`` holds these items of the resources with these names."""
    made = [core.sharing.create_grant(CONSOLE, terms(resource, given)).id for resource, given in by_code(items).items()]
    core.registry.refresh()
    try:
        yield
    finally:
        for number in made:
            core.sharing.change_grant(CONSOLE, number, "REVOKED")
        core.registry.refresh()


def by_code(items: dict[str, Given]) -> dict[str, Given]:
    codes = {"person": PERSON, "household": HOUSEHOLD, "account": ACCOUNT}
    return {codes[name]: given for name, given in items.items()}


def terms(resource: str, items: Given, operations: tuple[str, ...] = ("QUERY",)) -> dict[str, Any]:
    asked = {"application": "linker", "resource": resource, "operations": list(operations), "items": items}
    return {**asked, "purposes": PURPOSES, "approver": "王局长"}


def found(core: Core) -> list[tuple[str, str, str]]:
    undone = undone_by_links(core.catalog.current(), core.registry.applications())
    assert {(one.application, one.department) for one in undone} <= {("linker", "civil_affairs")}
    return [(one.resource, one.item, one.way) for one in undone]


TO_HOUSEHOLD = (PERSON, "household_no", f"household → {HOUSEHOLD}.household_no")


@pytest.mark.parametrize(
    ("person", "household", "told"),
    [
        ([MASKED, GENDER], [CLEAR], [TO_HOUSEHOLD]),
        ([KEY, GENDER], [CLEAR], []),
        ([CLEAR, GENDER], [CLEAR], []),
        ([{**MASKED, "key": False}, GENDER], [CLEAR], []),
        ([MASKED, GENDER], [MASKED], []),
        ([MASKED, GENDER], [KEY, SIZE], []),
        ([MASKED, GENDER], [SIZE], []),
    ],
    ids=["masked key", "a key alone", "clear", "no key", "both masked", "the other a key alone", "no link"],
)
def test_a_link_from_a_masked_key_to_the_value_in_clear_is_told(core: Core, person: Given, household: Given, told: list[tuple[str, str, str]]) -> None:
    with granted(core, person=person, household=household):
        assert found(core) == told


def test_a_sensitive_key_that_is_not_shown_is_told_as_a_masked_one_is(core: Core) -> None:
    head, number = {"code": "head_id_number", "value": None, "key": True}, {"code": "id_number", "value": "CLEAR", "key": True}
    with granted(core, household=[head, SIZE], person=[number, GENDER]):
        assert found(core) == [(HOUSEHOLD, "head_id_number", f"head → {PERSON}.id_number")]


def test_one_link_behind_another_is_followed(core: Core) -> None:
    with granted(core, person=[MASKED, GENDER], household=[KEY, SIZE], account=[CLEAR]):
        assert (PERSON, "household_no", ACROSS) in found(core)


def test_two_applications_do_not_undo_one_anothers(core: Core) -> None:
    with granted(core, person=[MASKED, GENDER]):
        assert found(core) == []


def test_the_command_line_fails_where_a_link_undoes_a_mask(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(core.settings.home))
    with granted(core, person=[MASKED, GENDER], household=[CLEAR]):
        result = CliRunner().invoke(app, ["grant", "lint", "--json"])
    assert result.exit_code == 1
    rows = [row for row in json.loads(result.stdout) if row["finding"] == "UNDONE_BY_LINK"]
    assert [(row["resource"], row["item"], row["way"], row["application"]) for row in rows] == [(*TO_HOUSEHOLD, "linker")]
    assert "mask both ends alike" in rows[0]["warning"]


WITHIN, ACROSS = f"household → {HOUSEHOLD}.household_no", f"household → waterAccount → {ACCOUNT}.household_no"


@pytest.mark.parametrize(
    ("grants", "only", "way"),
    [
        ({"household": [CLEAR]}, None, WITHIN),
        ({"household": [CLEAR]}, "civil_affairs", WITHIN),
        ({"household": [KEY, SIZE], "account": [CLEAR]}, None, ACROSS),
        ({"household": [KEY, SIZE], "account": [CLEAR]}, "civil_affairs", None),
        ({"household": [MASKED]}, None, None),
    ],
)
def test_previews_warn_of_it_and_tell_a_department_of_its_own_resources_alone(core: Core, grants: dict[str, Given], only: str | None, way: str | None) -> None:
    asked = Asked(rule=MASK, resource=PERSON, item="household_no")
    with granted(core, person=[MASKED, GENDER], **grants):
        shown = preview(asked, core.catalog.current(), core.registry.applications(), only)
    texts = [each.en for each in shown.warnings if each.code == "UNDONE_BY_LINK"]
    assert texts == ([f"linker sees the value of household_no in clear at the end of the link {way}"] if way else [])


def weaker(core: Core, act: str = "createGrant") -> list[Any]:
    with core.engine.connect() as connection:
        texts = connection.execute(select(tables.entry.c.canonical).order_by(tables.entry.c.seq)).scalars()
        return [each["details"].get("weaker") for text in texts if (each := json.loads(text)).get("operation") == act]


ENTRY = f"{PERSON}.household_no: CLEAR > household → {HOUSEHOLD}.household_no"


@pytest.mark.parametrize(
    ("grants", "told"),
    [
        ({"person": [MASKED, GENDER], "household": [CLEAR]}, [None, [ENTRY]]),
        ({"household": [CLEAR], "person": [MASKED, GENDER]}, [None, [ENTRY]]),
        ({"household": [CLEAR], "person": [CLEAR, GENDER]}, [None, None]),
    ],
    ids=["the clear end second", "the masked end second", "both in clear"],
)
def test_the_entry_of_the_grant_that_completes_the_way_tells_it(core: Core, grants: dict[str, Given], told: list[Any]) -> None:
    with granted(core, **grants):
        assert weaker(core)[-2:] == told


def test_the_entry_of_an_approval_tells_it(core: Core) -> None:
    consumer(core)
    core.sharing.create_grant(CONSOLE, {**terms(HOUSEHOLD, [CLEAR]), "application": "tenants"})
    approved(core, items=[{"code": "household_no", "access": "MASKED", "key": True, "mask": MASK}, {"code": "gender", "access": "CLEAR"}])
    assert weaker(core, "reviewRequest") == [[ENTRY]]


def test_a_finding_says_who_sees_what_and_what_to_do() -> None:
    text = str(Undone(*TO_HOUSEHOLD, frozenset(), "linker", "civil_affairs"))
    assert text.startswith("linker 看到的 civil_affairs.person.household_no 非明文")
    assert text.endswith("mask both ends alike, or give one of them as no key")
