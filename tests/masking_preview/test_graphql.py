"""Previews and diffs over the governance endpoint: who is told what, and that every reading has an entry in the ledger."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert

from hub.acts import bump
from hub.app import create_app
from hub.catalog.scopes import AUDIT, CATALOG, SECURITY, STEWARD, SYSTEM
from hub.core import Core
from hub.people.codes import CONSOLE as CONSOLE_CLIENT
from hub.people.tables import account_role, person
from hub.store.base import now
from tests.catalog.homes import CONSOLE, IMPORTER
from tests.masking_preview.conftest import MANIFEST
from tests.people.house import entries

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
PREVIEW = '{ maskingPreview(resource: "civil_affairs.person", item: "phone") { rule values { before after candidates } touched { application grant } } }'
GRANT = """{ grantDisclosure(input: {application: "housing", resource: "civil_affairs.person", operations: [QUERY], approver: "王局长",
  items: [{code: "phone", value: CLEAR}], purposes: [{code: "x", scenario: "s", basis: "b"}]}) { wider changes { application sentencesEn } } }"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for all tests of the file: they share the hub."""
    return "asyncio"


@pytest.fixture(scope="module")
async def ask(anyio_backend: str, core: Core) -> AsyncIterator[Any]:
    """Asks in a role; the steward is ``civil_affairs``', or of the department that is named."""
    core.catalog.create_department(CONSOLE, code="transport", name="市交通局", uscc="11520100009392151C")
    people = [(SECURITY, "civil_affairs"), (AUDIT, "civil_affairs"), (SYSTEM, "civil_affairs"), (CATALOG, "civil_affairs")]
    with core.engine.begin() as connection:
        for role, department in [*people, (STEWARD, "civil_affairs"), (STEWARD, "transport")]:
            made = {"id": person_of(role, department), "name": f"{role[11:]}.{department}", "display_name": "人", "department": department, "state": "ACTIVE"}
            connection.execute(insert(person).values(**made, created_by="a", approved_by="b", created_at=now()))
            connection.execute(insert(account_role).values(account=made["id"], role=role, given_by="b", given_at=now()))
        bump(connection, "rights")
    core.registry.refresh()
    hub = create_app(core)
    transport = httpx2.ASGITransport(app=hub)
    async with hub._rest.router.lifespan_context(hub._rest), httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:

        async def asked(role: str, document: str, department: str = "civil_affairs") -> Any:
            token = hub._tokens.issue(CONSOLE_CLIENT, [role], subject=person_of(role, department)).token
            answer = await http.post("/governance/graphql", json={"query": document}, headers={"authorization": f"Bearer {token}", "accept-language": "en"})
            return answer.json()

        yield asked


def person_of(role: str, department: str) -> str:
    return f"person_{role.partition(':')[2]}_{department}"


def codes(answer: Any) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


async def test_security_is_told_and_the_ledger_knows(ask: Any, core: Core) -> None:
    before = len(entries(core))
    found = (await ask(SECURITY, PREVIEW))["data"]["maskingPreview"]
    assert [(each["application"], found["values"][0]["candidates"]) for each in found["touched"]] == [("housing", "10000")]
    (entry,) = entries(core)[before:]
    assert json.loads(entry)["details"] == {"actor": "security.civil_affairs", "act": "governance.query"}
    assert found["values"][0]["before"] not in entry


@pytest.mark.parametrize("role", [SYSTEM, CATALOG])
@pytest.mark.parametrize("document", [PREVIEW, "{ disclosureDiff { digest } }", "{ quasiIdentifierSets { resource } }"])
async def test_other_roles_are_refused(ask: Any, role: str, document: str) -> None:
    assert codes(await ask(role, document)) == ["FORBIDDEN"]


async def test_a_steward_sees_the_own_departments_grants_alone(ask: Any) -> None:
    assert (await ask(STEWARD, PREVIEW))["data"]["maskingPreview"]["touched"]
    assert codes(await ask(STEWARD, PREVIEW, "transport")) == ["FORBIDDEN"]
    assert codes(await ask(STEWARD, '{ maskingPreview(rule: "x", department: "civil_affairs") { rule } }', "transport")) == ["FORBIDDEN"]
    everything = '{ maskingPreview(rule: "KEEP_FIRST_3_LAST_4") { touchedCount } disclosureDiff(from: 0) { totalCount } }'
    assert (await ask(STEWARD, everything, "transport"))["data"] == {"maskingPreview": {"touchedCount": 0}, "disclosureDiff": {"totalCount": 0}}
    own = (await ask(STEWARD, everything))["data"]
    assert own["maskingPreview"]["touchedCount"] == 1
    assert own["disclosureDiff"]["totalCount"] > 0
    assert codes(await ask(STEWARD, GRANT, "transport")) == ["FORBIDDEN"]


async def test_a_document_has_few_of_them(ask: Any) -> None:
    def document(count: int) -> str:
        return "{" + " ".join(f"d{n}: disclosureDiff {{ digest }}" for n in range(count)) + "}"

    assert codes(await ask(SECURITY, document(8))) == []
    assert "QUERY_BUDGET" in codes(await ask(SECURITY, document(9)))


async def test_what_a_grant_would_disclose_is_told_and_nothing_recorded(ask: Any, core: Core) -> None:
    before = len(core.sharing.grants())
    found = (await ask(SECURITY, GRANT))["data"]["grantDisclosure"]
    sentences = found["changes"][0]["sentencesEn"]
    assert "application housing (civil_affairs) newly sees item civil_affairs.person.phone in clear (before: masked(KEEP_FIRST_3_LAST_4@1))" in sentences
    assert "application housing (civil_affairs) no longer sees item civil_affairs.person.birth_date (before: clear)" in sentences
    assert len(core.sharing.grants()) == before
    assert codes(await ask(SECURITY, GRANT.replace('"phone"', '"iris"'))) == ["BAD_INPUT"]
    assert codes(await ask(SECURITY, GRANT.replace('"housing"', '"nobody"'))) == ["NOT_FOUND"]


async def test_a_review_answers_with_its_diff_to_whoever_may_see_it(ask: Any, core: Core) -> None:
    text = MANIFEST.read_text("utf-8").replace("{home}", "/nowhere")
    made = core.catalog.import_manifest(IMPORTER, text.replace('share = "KEEP_FIRST_3_LAST_4"', 'share = "KEEP_FIRST_4_LAST_3"'))
    pending = (await ask(AUDIT, f'{{ disclosureDiff(import: "{made.id}") {{ digest changes {{ sentencesEn sentences items {{ changes }} }} }} }}'))["data"][
        "disclosureDiff"
    ]
    assert [item["changes"] for item in pending["changes"][0]["items"]] == [["CHANGED_MASK"]]
    review = 'mutation { reviewCatalog(input: {id: "%d", disclosure: "%s"}) { manifest { state } disclosure { digest } problems { code path } } }'
    stale = (await ask(SECURITY, review % (made.id, "0" * 64)))["data"]["reviewCatalog"]
    assert stale["problems"] == [{"code": "CONFLICT", "path": "disclosure"}]
    done = (await ask(SECURITY, review % (made.id, pending["digest"])))["data"]["reviewCatalog"]
    assert done == {"manifest": {"state": "APPROVED"}, "disclosure": {"digest": pending["digest"]}, "problems": []}


async def test_e14_the_lint_is_asked_for_over_the_endpoint(ask: Any) -> None:
    found = (await ask(SECURITY, "{ quasiIdentifierSets { application items warning } }"))["data"]["quasiIdentifierSets"]
    assert [(one["application"], one["items"]) for one in found] == [("research", ["gender", "birth_date", "district"])]


async def test_whoever_reviews_reads_what_an_import_does_to_masks(ask: Any, core: Core) -> None:
    """MSK-02: before the approval, and in its answer."""
    text = MANIFEST.read_text("utf-8").replace("{home}", "/nowhere")
    made = core.catalog.import_manifest(IMPORTER, text.replace('share = "KEEP_FIRST_3_LAST_4"', 'share = "KEEP_FIRST_4_LAST_4"'))
    weaker = ["ITEM_WEAKENED civil_affairs.person.phone share: KEEP_FIRST_3_LAST_4@1 → KEEP_FIRST_4_LAST_4@1"]
    imports = (await ask(SECURITY, "{ imports { id maskChanges } }"))["data"]["imports"]
    assert [each["maskChanges"] for each in imports if each["id"] == str(made.id)] == [weaker]
    review = f'mutation {{ reviewCatalog(input: {{id: "{made.id}"}}) {{ manifest {{ maskChanges }} problems {{ code }} }} }}'
    assert (await ask(SECURITY, review))["data"]["reviewCatalog"] == {"manifest": {"maskChanges": weaker}, "problems": []}
