"""Property: what was asked for is what the agreement says, what the grant carries, and what calls get."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth.decide import decide
from auth.rights import DEFAULT_PAGE_LIMIT, Decision, Operation, Quota, Shown
from hub.clock import clock
from hub.core import Core
from hub.sharing.agreement import agreed_terms, hash_of
from tests.catalog.homes import new_core, publish
from tests.catalog.small import SMALL
from tests.sharing.sides import DECIDER, RESOURCE, consumer, granted

pytestmark = pytest.mark.slow
START = datetime(2026, 2, 9, 2, tzinfo=UTC)
NUMBERS = st.one_of(st.none(), st.integers(1, 2**31 - 1))
TEXTS = st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=1, max_size=20)
"""No blanks: what stands around a text is nobody's matter here."""


def limits(periods: list[str]) -> st.SearchStrategy[dict[str, Any] | None]:
    made = st.fixed_dictionaries({"calls": NUMBERS, "rows": NUMBERS, "per": st.sampled_from(periods)})
    return st.one_of(st.none(), made.filter(lambda limit: limit["calls"] is not None or limit["rows"] is not None))


ITEMS = st.sampled_from(
    [
        [{"code": "id_number", "access": "NONE", "key": True}, {"code": "birth_date", "access": "CLEAR", "key": False}],
        [{"code": "id_number", "access": "MASKED", "key": True}],
        [{"code": "id_number", "access": "MASKED", "key": False, "mask": "NULL"}, {"code": "birth_date", "access": "MASKED", "mask": "DATE_TO_YEAR"}],
        [{"code": "birth_date", "access": "CLEAR", "key": True}],
    ]
)
ASKED = st.fixed_dictionaries(
    {
        "operations": st.sampled_from([["QUERY"], ["VERIFY"], ["VERIFY", "QUERY"]]),
        "items": ITEMS,
        "purpose": TEXTS,
        "purpose_code": st.one_of(st.none(), st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)),
        "scenario": TEXTS,
        "legal_basis": TEXTS,
        "rows": st.sampled_from([None, {"birth_date": {"lt": "2000-01-01"}}, {"or": [{"birth_date": {"gte": "1990-01-01"}}, {"id_number": {"eq": "'\"\\"}}]}]),
        "per_claim": st.booleans(),
        "discloses_existence": st.booleans(),
        "max_page": st.one_of(st.none(), st.integers(1, 10_000)),
        "quota": limits(["HOUR", "DAY", "MONTH"]),
        "rate": limits(["SECOND", "MINUTE"]),
        "documents": st.one_of(st.none(), st.lists(st.from_regex(r"[0-9a-f]{64}", fullmatch=True), max_size=3)),
        "valid_from": st.sampled_from([None, START - timedelta(days=1), START + timedelta(days=2)]),
        "valid_to": st.sampled_from([None, START + timedelta(days=9)]),
        "disposal_days": st.one_of(st.none(), st.integers(1, 366)),
    }
)


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    with new_core(tmp_path_factory.mktemp("terms")) as made:
        publish(made, SMALL)
        yield made


def limit_of(given: dict[str, Any] | None) -> Quota | None:
    return Quota(**given) if given else None


def given_now(core: Core) -> Decision:
    """What a call of the application gets now."""
    core.registry.refresh()
    app = consumer(core).application
    assert app is not None
    rights = core.registry.rights(app, frozenset(f"{o.scope_prefix}:{RESOURCE}" for o in Operation))
    found = decide(core.catalog.current().resources[RESOURCE].policy, rights)
    assert found is not None
    return found


def compare(found: Decision, asked: dict[str, Any]) -> None:
    """Every part of a decision, against what was asked for."""
    assert {o.value for o in found.operations} == set(asked["operations"])
    assert (json.loads(found.rows) if found.rows else None) == asked["rows"]
    wanted = {item["code"]: (Shown.ABSENT.value if item["access"] == "NONE" else item["access"], bool(item.get("key"))) for item in asked["items"]}
    assert {code: (item.shown.value, item.key) for code, item in found.items.items() if item.shown is not Shown.ABSENT or item.key} == wanted
    masks = {item["code"]: item.get("mask") or "NAME" for item in asked["items"] if item["access"] == "MASKED"}
    assert {code: item.mask.label for code, item in found.items.items() if item.mask} == masks
    assert [(p.scenario, p.basis) for p in found.purposes] == [(asked["scenario"], asked["legal_basis"])]
    assert asked["purpose_code"] in (None, found.purposes[0].code)
    flags = (asked["per_claim"], asked["discloses_existence"], asked["max_page"] or DEFAULT_PAGE_LIMIT)
    assert (found.per_claim, found.discloses_existence, found.page_limit) == flags
    assert (found.quota, found.rate, found.documents) == (limit_of(asked["quota"]), limit_of(asked["rate"]), frozenset(asked["documents"] or ()))


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(asked=ASKED)
def test_what_was_asked_for_is_agreed_granted_and_given(core: Core, asked: dict[str, Any]) -> None:
    with clock.at(START) as hand:
        case = core.requests.reader.get(granted(core, **asked))
        assert case is not None
        assert case.agreement is not None
        assert case.grant is not None
        agreed, held = agreed_terms(case.agreement), core.sharing.grant(case.grant)
        hand.forward(days=3)
        found = given_now(core)
        core.sharing.act_on_grant(DECIDER, "revoke", case.grant)
    assert (held.terms, held.agreement_hash) == (agreed.grant, hash_of(case.agreement))
    assert (held.valid_from, held.valid_to) == (agreed.valid_from or START, agreed.valid_to)
    assert (agreed.valid_from, agreed.valid_to, agreed.disposal_days) == (asked["valid_from"], asked["valid_to"], asked["disposal_days"] or 20)
    assert (found.grant, found.approver) == (case.grant, DECIDER.name)
    compare(found, asked)
