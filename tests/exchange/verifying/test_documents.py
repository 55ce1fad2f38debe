"""Which documents and tables make a batch, and how the same input is known again."""

from __future__ import annotations

import pytest

from tests.exchange.verifying.world import DOCUMENT, NAMES, Batches, table
from tests.verification.world import KNOWN, NAME

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("in_process")]
FIELD = "verifyPerson(subject: {idNumber: $id}, claims: {name: $name})"
REFUSED = {
    "a query": "query ($id: String!) { civilAffairs { person(idNumber: $id) { name } } }",
    "several subjects": "query ($r: [CivilAffairsPersonVerificationRequest!]!) { civilAffairs { verifyPersons(requests: $r) { outcome } } }",
    "two verifications": f"query ($id: String!, $name: String!) {{ civilAffairs {{ a: {FIELD} {{ outcome }} b: {FIELD} {{ outcome }} }} }}",
    "something besides": f"query ($id: String!, $name: String!) {{ __typename civilAffairs {{ {FIELD} {{ outcome }} }} }}",
    "no outcome": f"query ($id: String!, $name: String!) {{ civilAffairs {{ {FIELD} {{ asOf }} }} }}",
    "no variables": '{ civilAffairs { verifyPerson(subject: {idNumber: "1"}, claims: {name: "2"}) { outcome } } }',
    "objects": "query ($s: CivilAffairsPersonSubject!, $c: CivilAffairsPersonClaims!) { civilAffairs { verifyPerson(subject: $s, claims: $c) { outcome } } }",
    "conditions": f"query ($id: String!, $name: String!, $w: Boolean!) {{ civilAffairs {{ {FIELD} @include(if: $w) {{ outcome }} }} }}",
    "a mutation": "mutation ($id: ID!) { cancelExchange(id: $id) { exchange { id } } }",
}


@pytest.mark.parametrize("what", REFUSED)
async def test_documents_that_are_no_single_verification_are_refused(batches: Batches, what: str) -> None:
    app = f"asking_{list(REFUSED).index(what)}"
    batches.world.application(app)
    upload = await batches.upload(app, table([(KNOWN, NAME)], "id", "name"))
    assert (await batches.start(app, upload, REFUSED[what])).code == "BAD_INPUT"


async def test_invalid_documents_and_those_beyond_the_grant_are_refused_as_calls_are(batches: Batches) -> None:
    world = batches.world
    app, narrow = world.application("straying"), world.application("narrow", operations=["QUERY"])
    upload = await batches.upload(app, table([(KNOWN, NAME)], "id", "name"))
    assert (await batches.start(app, upload, NAMES.replace("verifyPerson(", "verifyNobody("))).code in ("INVALID_DOCUMENT", "BAD_INPUT")
    single = await world.ask(narrow, NAMES, {"id": KNOWN, "name": NAME})
    assert (await batches.start(narrow, upload)).code == single.code != "OK"


async def test_trusted_documents_bind_batches_too(batches: Batches) -> None:
    app = batches.world.application("bound", documents=["0" * 64])
    upload = await batches.upload(app, table([(KNOWN, NAME)], "id", "name"))
    assert (await batches.start(app, upload, NAMES)).code == "FORBIDDEN"


async def test_columns_are_variables_or_kept(batches: Batches) -> None:
    app = batches.world.application("columned")
    upload = await batches.upload(app, table([(KNOWN, NAME, "x", "y")], "id", "name", "case", "outcome"))
    for keep in (None, ["case"], ["case", "none"], ["case", "case", "outcome"], ["case", "outcome"], [f"c{n}" for n in range(21)]):
        answer = await batches.start(app, upload, NAMES, keep=keep)
        assert answer.code == "BAD_INPUT", keep
    lacking = await batches.upload(app, table([(KNOWN,)], "id"))
    answer = await batches.start(app, lacking, NAMES)
    assert (answer.code, "name" in answer.json["errors"][0]["message"]) == ("BAD_INPUT", True)
    other = await batches.upload(app, table([(KNOWN, NAME)], "id", "name"))
    assert (await batches.start(app, other, format="XLSX")).code == "BAD_INPUT"


async def test_the_same_input_is_the_same_job_and_an_upload_serves_once(batches: Batches) -> None:
    world = batches.world
    app = world.application("repeating")
    upload = await batches.upload(app, table([(KNOWN, NAME)], "id", "name"))
    job = await batches.job(app, upload, NAMES, idempotencyKey="k")
    assert await batches.job(app, upload, NAMES, idempotencyKey="k") == job
    await batches.rows(app, job)
    assert await batches.job(app, upload, NAMES, idempotencyKey="k") == job
    assert (await batches.start(app, upload, NAMES, idempotencyKey="k", keep=["id"])).code == "CONFLICT"
    assert (await batches.start(app, upload, NAMES, idempotencyKey="other")).code == "CONFLICT"
    assert (await batches.start(app, upload, NAMES, idempotencyKey="")).code == "BAD_INPUT"


async def test_types_of_variables_are_those_of_the_document(batches: Batches) -> None:
    """A date in CSV is its text; what is no date is refused for its row, and costs nothing, as in a call."""
    app = batches.world.application("typed")
    rows = [(KNOWN, NAME, "1949-12-31"), (KNOWN, NAME, "31.12.1949"), (KNOWN, NAME, "")]
    found = await batches.rows(app, await batches.job(app, await batches.upload(app, table(rows, "id", "name", "born")), DOCUMENT))
    assert [(row["outcome"], row["code"]) for row in found] == [("MATCH", ""), ("REFUSED", "BAD_INPUT"), ("REFUSED", "BAD_INPUT")]
