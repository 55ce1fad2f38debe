"""Feedback over HTTP: who sees and does what, the public's reports, and what the schema says of every field."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType

from hub.api.data_schema import make_data_schema
from hub.api.governance_schema import make_governance_schema
from hub.feedback.proof import verify_histories
from tests.feedback.ways import case_of
from tests.feedback.world import CLOSED, OPEN, PEOPLE, World, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
SEEN = "query ($id: ID!) { feedback(id: $id) { id description } feedbacks { id } }"
BY_CODE = "query ($id: ID!, $code: String) { feedback(id: $id, code: $code) { state reporter history { actor step opinion } } }"
ACT = "mutation ($i: FeedbackInput!) { %s(input: $i) { feedback { state } problems { code } } }"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for all tests of the file: they share the hub."""
    return "asyncio"


@pytest.fixture(scope="module")
async def world(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The hub with its people."""
    async with world_in(tmp_path_factory.mktemp("feedback"), public_feedback_per_address=6, public_feedback_per_day=8) as made:
        yield made


async def governed(world: World, who: str, act: str, number: str, **given: Any) -> str:
    """An act's problem, or the state after it."""
    kinds = {"correctFeedback": "CorrectFeedbackInput", "transferFeedback": "TransferFeedbackInput", "coVerifyFeedback": "CoVerifyFeedbackInput"}
    kind = kinds.get(act, "FeedbackInput")
    document = ACT.replace("FeedbackInput", kind) % act
    answer = await world.ask(who, document, i={"id": number, **given})
    if answer.get("errors"):
        return str(answer["errors"][0]["extensions"]["code"])
    payload = answer["data"][act]
    return str(payload["problems"][0]["code"] if payload["problems"] else payload["feedback"]["state"])


async def test_who_sees_a_case(world: World) -> None:
    number = (await world.report(resource=CLOSED))["feedback"]["id"]
    seen = {"provider", "consumer", "owner", "authority", "auditor"}
    for who in PEOPLE:
        answer = await world.ask(who, SEEN, id=number)
        if who in ("operator", "editor"):
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN", who
            continue
        found = answer["data"]
        assert (found["feedback"] is not None, number in [each["id"] for each in found["feedbacks"]]) == (who in seen, who in seen), who
    for name in ("tenants", "meters"):
        found = (await world.ask(name, SEEN, id=number))["data"]
        assert (found["feedback"] is not None, number in [each["id"] for each in found["feedbacks"]]) == (name == "tenants",) * 2
    assert await world.code(None, SEEN, id=number) == "UNAUTHENTICATED"


async def test_who_does_what(world: World) -> None:
    number = (await world.report())["feedback"]["id"]
    for who in PEOPLE.keys() - {"provider"}:
        assert await governed(world, who, "acceptFeedback", number) in ("FORBIDDEN", "NOT_FOUND"), who
    assert await governed(world, "provider", "acceptFeedback", number) == "VERIFYING"
    evidence = {"items": ["street"], "entry": "not a number"}
    assert await governed(world, "provider", "correctFeedback", number, **evidence) == "NOT_FOUND"
    assert await governed(world, "provider", "explainFeedback", number) == "BAD_INPUT"
    assert await governed(world, "provider", "rejectFeedback", number, opinion="与登记一致") == "REJECTED"
    for who in ("provider", "authority", "auditor", "stranger"):
        assert await governed(world, who, "objectFeedback", number, opinion="x") in ("FORBIDDEN", "NOT_FOUND"), who
    assert await governed(world, "owner", "objectFeedback", number, opinion="仍不符") == "REOPENED"
    for who in PEOPLE.keys() - {"authority"}:
        assert await governed(world, who, "coVerifyFeedback", number, correct=True, opinion="x") == "FORBIDDEN", who
    assert await governed(world, "authority", "coVerifyFeedback", number, correct=True, opinion="确有差错") == "ORDERED"
    moment = case_of(world.core, number).history[-1].at.isoformat()
    assert await governed(world, "provider", "correctFeedback", number, items=["street"], asOf=moment) == "CORRECTED"
    confirm = "mutation ($id: ID!) { confirmFeedback(id: $id) { code feedback { state outcome evidence { items asOf entry } history { step } } } }"
    assert await world.code("meters", confirm, id=number) == "NOT_FOUND"
    done = (await world.ask("tenants", confirm, id=number))["data"]["confirmFeedback"]
    assert (done["code"], done["feedback"]["state"], done["feedback"]["outcome"]) == (None, "CLOSED", "CORRECTED")
    assert done["feedback"]["evidence"] == {"items": ["street"], "asOf": moment, "entry": None}
    with world.core.engine.connect() as connection:
        assert verify_histories(connection).ok


async def test_transfer_over_the_endpoint(world: World) -> None:
    number = (await world.report(description="转办"))["feedback"]["id"]
    assert await governed(world, "provider", "transferFeedback", number, to="water_supply", opinion="x") == "SUBMITTED"
    assert (await world.ask("provider", SEEN, id=number))["data"]["feedback"] is not None, "who passed it on follows it"
    assert await governed(world, "stranger", "acceptFeedback", number) == "VERIFYING"


async def test_the_public_reports_on_open_resources_and_follows_by_its_code(world: World) -> None:
    """COR-04, anonymous."""
    for resource in (CLOSED, "civil_affairs.nowhere"):
        assert await world.report(None, resource=resource) == "NOT_FOUND"
    filed = await world.report(None, kind="OMISSION")
    number, code = filed["feedback"]["id"], filed["code"]
    assert re.fullmatch(r"[0-9a-f]{32}", code)
    assert filed["feedback"]["history"] == [{"actor": "社会公众 public", "step": "report"}]
    for wrong in ("", "0" * 32, code.upper() + "0", number):
        assert (await world.ask(None, BY_CODE, id=number, code=wrong))["data"]["feedback"] is None
    assert (await world.ask(None, BY_CODE, id="feedback_x", code=code))["data"]["feedback"] is None
    assert (await world.ask("meters", BY_CODE, id=number))["data"]["feedback"] is None
    assert (await world.ask("provider", "{ feedbacks { id reporter consumer } }"))["data"]["feedbacks"][0] == {
        "id": number,
        "reporter": "社会公众 public",
        "consumer": None,
    }
    assert await governed(world, "provider", "acceptFeedback", number) == "VERIFYING"
    assert await governed(world, "provider", "explainFeedback", number, opinion="该处已迁址") == "EXPLAINED"
    shown = (await world.ask(None, BY_CODE, id=number, code=code))["data"]["feedback"]
    assert [each["actor"] for each in shown["history"]] == ["社会公众 public", "提供部门 the providing department", "提供部门 the providing department"]
    act = 'mutation ($id: ID!, $code: String) { %s(id: $id, code: $code, opinion: "仍不符") { feedback { state } } }'
    assert await world.code(None, act % "objectFeedback", id=number) == "UNAUTHENTICATED"
    assert await world.code(None, act % "objectFeedback", id=number, code="0" * 32) == "NOT_FOUND"
    assert await world.code("tenants", act % "objectFeedback", id=number) == "NOT_FOUND"
    assert (await world.ask(None, act % "objectFeedback", id=number, code=code))["data"]["objectFeedback"]["feedback"]["state"] == "REOPENED"
    for who in ("consumer", "provider"):
        assert await governed(world, who, "confirmFeedback", number) in ("NOT_FOUND", "FORBIDDEN"), who
    complaint = await world.report(None, kind="COMPLAINT", about=number, code=code)
    assert complaint["feedback"]["state"] == "LODGED"
    assert await world.report(None, kind="COMPLAINT", about=number) == "NOT_FOUND"


async def test_the_public_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six of an address, eight of all; where a report is refused, nothing is entered or counted."""
    seen: list[Any] = []
    while (found := await world.report(None)) != "RATE_LIMITED":
        seen.append(found["code"])
    assert 0 < len(seen) <= 6
    for address, wanted in (("198.51.100.7", None), ("2001:db8::1", None), ("2001:db8::2", "QUOTA_EXCEEDED")):
        transport = world.http._transport
        monkeypatch.setattr(transport, "client", (address, 1), raising=False)
        found = await world.report(None, resource=OPEN)
        assert found == wanted if wanted else found["code"], address
    assert (await world.report("meters"))["feedback"]["state"] == "SUBMITTED", "whoever has a token is not bounded by it"


def test_every_field_is_described_in_both_languages() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for schema in (make_data_schema()._schema, make_governance_schema()._schema):
        for kind in schema.type_map.values():
            ours = any(word in kind.name for word in ("Feedback", "ReportError", "DecideComplaint"))
            described = [kind.description] if ours else []
            if ours and isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
                described += [field.description for field in kind.fields.values()]
            roots = kind.fields.items() if kind in (schema.query_type, schema.mutation_type) and isinstance(kind, GraphQLObjectType) else ()
            described += [field.description for name, field in roots if "eedback" in name or name in ("reportError", "decideComplaint")]
            for text in described:
                first, _, second = (text or "").partition("\n\n")
                assert chinese.search(first), (kind.name, text)
                assert re.search(r"[A-Za-z]{3}", second), (kind.name, text)
            assert not isinstance(kind, GraphQLEnumType) or not ours or kind.name == "FeedbackKind"
