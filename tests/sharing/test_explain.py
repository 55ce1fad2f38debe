"""Explanations of stored grants, the articles behind reasons, and both on GraphQL: who may ask, and what is told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import ExecutionResult, execute, parse
from sqlalchemy import update

from auth.decide import Rights
from auth.reasons import Reason
from auth.revocations import RevocationList
from auth.rights import Use
from connectors import registry as connector_registry
from hub.api.context import Caller, Context
from hub.api.data_schema import make_data_schema
from hub.api.governance_schema import make_governance_schema
from hub.catalog.checks import RESERVED_TYPES
from hub.core import Core
from hub.live import Live
from hub.sharing.explain import Explainer
from hub.sharing.explain_articles import FILE, meanings
from hub.sharing.explain_graphql import MOST_RUNS
from hub.sharing.quota import usage
from hub.sharing.registry import PUBLIC, TokenRevocations
from hub.sharing.rules import RuleBook
from hub.sharing.tables import grant
from hub.store.base import now
from schema.cursors import Cursors
from schema.documents import Documents
from schema.faces import Faces
from schema.faults import Fault
from tests.catalog.homes import CONSOLE, publish
from tests.catalog.small import changed
from tests.sharing.terms import client, terms

pytestmark = pytest.mark.slow
PERSON = "civil_affairs.person"
CHINESE, ENGLISH = re.compile(r"[一-鿿]"), re.compile(r"[A-Za-z]{3}")


def test_every_reason_has_words_and_articles() -> None:
    found = meanings()
    assert set(found) == set(Reason)
    for meaning in found.values():
        assert CHINESE.search(meaning.zh)
        assert ENGLISH.search(meaning.en)
        assert meaning.articles
        for article in meaning.articles:
            assert re.search("第.+条", article.zh)
            assert re.search(r"art\. \d+$", article.en)
            assert CHINESE.search(article.text)


def test_no_entry_is_without_use() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert set(re.findall(r"^\[reason\.(\w+)\]", text, re.MULTILINE)) == {reason.value for reason in Reason}
    cited = {article.code for meaning in meanings().values() for article in meaning.articles}
    assert set(re.findall(r"^\[article\.([\w-]+)\]", text, re.MULTILINE)) == cited


def test_articles_are_those_of_the_rule_sets_in_force_and_no_others() -> None:
    for meaning in meanings().values():
        for sets in ([], ["n809"], ["guiyang", "n809"], ["fuzhou", "n809"], ["own"]):
            assert {article.set for article in meaning.cited(sets)} <= set(sets)
    local = meanings()[Reason.UNCONDITIONAL]
    assert {article.set for article in local.cited(["guiyang", "n809"])} == {"guiyang", "n809"}


def test_what_is_refused_in_sharing_has_an_article_of_the_national_regulation() -> None:
    """A city that has no measures of its own is told by which article nevertheless; opening to the public is not the regulation's."""
    opening = {name for name in Reason.__members__ if "OPEN" in name} - {"ITEM_NOT_OPEN"} | {"LEVEL_NOT_PUBLIC"}
    assert {reason.name for reason, found in meanings().items() if not found.cited(["n809"])} == opening


def test_no_article_is_cited_for_a_day_on_which_it_was_not_in_force(core: Core) -> None:
    asked = explainer(core)
    app, snapshot = asked.application("housing"), core.catalog.current()
    days = [datetime(2025, 7, 31, 15, 59, tzinfo=UTC), datetime(2025, 7, 31, 16, 0, tzinfo=UTC)]
    assert [asked.explain(snapshot, app, PERSON, day).sets for day in days] == [(), ("n809",)]


def explainer(core: Core) -> Explainer:
    core.registry.refresh()
    return Explainer(core.engine, core.registry, RuleBook.open(["n809"]))


def test_rights_of_now_are_those_of_calls(core: Core) -> None:
    """What is explained is what the next call of the application may do."""
    core.sharing.create_grant(CONSOLE, terms())
    asked = explainer(core)
    app = asked.application("housing")
    assert app is not None
    assert asked.rights(app, now()).fingerprint == core.registry.rights(client(core), app.scopes()).fingerprint
    assert asked.rights(app, now(), ["query:x"]) == core.registry.rights(client(core), frozenset({"query:x"}))
    assert asked.rights(None, now()) is PUBLIC


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("ACTIVE", Reason.GRANTED),
        ("SUSPENDED", Reason.GRANT_SUSPENDED),
        ("REVOKED", Reason.GRANT_REVOKED),
        ("TERMINATED", Reason.GRANT_TERMINATED),
        ("EXPIRED", Reason.GRANT_EXPIRED),
    ],
)
def test_every_state_of_a_grant_has_its_reason(core: Core, state: str, reason: Reason) -> None:
    made = core.sharing.create_grant(CONSOLE, terms(agreement_hash="ab" * 32))
    with core.engine.begin() as connection:
        connection.execute(update(grant).values(state=state))
    asked = explainer(core)
    found = asked.explain(core.catalog.current(), asked.application("housing"), PERSON, now())
    assert (found.reason, found.allowed) == (reason, reason is Reason.GRANTED)
    assert found.grant is not None
    assert (found.grant.id, found.grant.agreement_hash, found.grant.approver) == (made.id, "ab" * 32, "王局长")
    assert bool(found.items) is found.allowed


def test_a_grant_tells_its_term(core: Core) -> None:
    moment = now()
    core.sharing.create_grant(CONSOLE, terms(valid_from=moment + timedelta(days=1), valid_to=moment + timedelta(days=2)))
    asked = explainer(core)
    app, snapshot = asked.application("housing"), core.catalog.current()
    told = [asked.explain(snapshot, app, PERSON, moment + timedelta(days=day)).reason for day in (0, 1, 2)]
    assert told == [Reason.GRANT_NOT_YET_VALID, Reason.GRANTED, Reason.GRANT_EXPIRED]


def test_a_grant_that_shows_nothing_is_no_access(core: Core) -> None:
    """Operations are given and no item: the resource does not exist for the application, and the explanation says so."""
    core.sharing.create_grant(CONSOLE, terms(items=[{"code": "id_number", "key": True}]))
    asked = explainer(core)
    app = asked.application("housing")
    found = asked.explain(core.catalog.current(), app, PERSON, now())
    assert Faces(core.catalog.current(), asked.rights(app, now())).face(PERSON) is None
    assert (found.allowed, found.reason) == (False, Reason.NOTHING_SHOWN)
    assert found.items["id_number"].reason is Reason.ITEM_KEY_ONLY


@pytest.fixture
def live(core: Core, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """The state of a hub none of whose sources can be opened; ``housing`` has a grant."""

    def opened(_config: Any) -> None:
        raise AssertionError("a source was opened")

    monkeypatch.setattr(connector_registry, "_connector", opened)
    core.sharing.create_grant(CONSOLE, terms(documents=[]))
    core.registry.refresh()
    made = Live(core, make_data_schema()._schema, RevocationList(TokenRevocations(core.engine)))
    yield made
    assert made.sources.opened == []


def context(live: Live, caller: Caller) -> Context:
    services = SimpleNamespace(cursors=Cursors(live.core.cursor_key))
    return Context(live, caller, "call_1", Faces(live.snapshot, caller.rights), services)


async def ask(schema: Any, live: Live, caller: Caller, text: str, **variables: Any) -> tuple[Any, list[str]]:
    """The data, and the codes of the errors."""
    found = execute(schema._schema, parse(text), {}, context(live, caller), variables)
    result = found if isinstance(found, ExecutionResult) else await found
    assert all(isinstance(error.original_error, Fault) for error in result.errors or ()), result.errors
    return result.data, [error.original_error.code.value for error in result.errors or () if isinstance(error.original_error, Fault)]


def administrator(live: Live, *scopes: str, department: str = "city_data") -> Caller:
    """Somebody with these governance scopes."""
    app = live.core.registry.by_name("housing")
    assert app is not None
    return Caller(replace(app, name="someone", department=department), Rights("c", department, frozenset(scopes)), Use())


EXPLAIN = """query($app: String!, $resource: String!) { explain(application: $app, resource: $resource) {
  allowed because { reason text textEn articles { code citation } } grant { id state approver }
  items { code shown mask key because { reason } } operations { operation allowed because { reason } } terms { rowCondition pageLimit quota { calls per } } } }"""
GOVERNANCE = make_governance_schema()
DATA = make_data_schema()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("scopes", "department", "code"),
    [
        (("governance:security",), "city_data", None),
        (("governance:audit",), "city_data", None),
        (("governance:steward",), "civil_affairs", None),
        (("governance:steward",), "housing", "FORBIDDEN"),
        (("governance:system",), "city_data", "FORBIDDEN"),
        (("governance:catalog",), "civil_affairs", "FORBIDDEN"),
    ],
)
async def test_who_may_ask(live: Live, scopes: tuple[str, ...], department: str, code: str | None) -> None:
    caller = administrator(live, *scopes, department=department)
    data, codes = await ask(GOVERNANCE, live, caller, EXPLAIN, app="housing", resource=PERSON)
    assert codes == ([code] if code else [])
    assert (data is not None) is (code is None)
    if code:  # what is not there is refused alike
        assert await ask(GOVERNANCE, live, caller, EXPLAIN, app="nobody", resource="civil_affairs.nothing") == (None, [code])


@pytest.mark.anyio
async def test_what_governance_is_told(live: Live) -> None:
    data, _ = await ask(GOVERNANCE, live, administrator(live, "governance:audit"), EXPLAIN, app="housing", resource=PERSON)
    told = data["explain"]
    assert told["because"]["reason"] == "GRANTED"
    assert "第二十一条" in told["because"]["articles"][1]["citation"]
    assert {item["code"]: (item["shown"], item["mask"], item["because"]["reason"]) for item in told["items"]} == {
        "id_number": ("MASKED", "NAME", "ITEM_MASKED_BY_CATALOG"),
        "birth_date": ("CLEAR", None, "ITEM_GRANTED"),
    }
    assert told["terms"] == {"rowCondition": {"birth_date": {"gte": "1990-01-01"}}, "pageLimit": 100, "quota": {"calls": 10, "per": "DAY"}}
    assert {each["operation"]: each["because"]["reason"] for each in told["operations"]}["EXCHANGE"] == "OPERATION_NOT_OFFERED"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("role", "app", "resource", "words"),
    [
        ("governance:audit", "hosing", PERSON, "did you mean housing?"),
        ("governance:audit", "housing", "civil_affairs.persons", f"did you mean {PERSON}?"),
        ("governance:steward", "hosing", PERSON, ""),  # who does not see all applications is told no name of another
    ],
)
async def test_unknown_names_are_answered_with_near_ones(live: Live, role: str, app: str, resource: str, words: str) -> None:
    caller = administrator(live, role, department="civil_affairs")
    found = execute(GOVERNANCE._schema, parse(EXPLAIN), {}, context(live, caller), {"app": app, "resource": resource})
    result = found if isinstance(found, ExecutionResult) else await found
    (error,) = result.errors or ()
    fault = error.original_error
    assert isinstance(fault, Fault)
    assert fault.code.value == "NOT_FOUND"
    assert fault.hint_en.endswith(words)
    assert bool(fault.hint_en) is bool(words)


RUN = """ wouldRun purposes otherFields resources { resource operations rowsAtMost rowCondition quota { calls rows per } items { code use mask } }
  places { path item mask } sources { source statements keys pages } cost { depth rows cells } refusals { code path messageEn } """
OWN = "query($document: String!, $variables: JSON) { dryRun(document: $document, variables: $variables) {" + RUN + "} }"
OTHERS = "query($app: String!, $document: String!, $purpose: String) { dryRun(application: $app, document: $document, purpose: $purpose) {" + RUN + "} }"
LIST = "{ civilAffairs { persons(first: 7) { nodes { birthDate idNumber parent { birthDate } } } } me { application } }"


def housing(live: Live, use: Use | None = None) -> Caller:
    app = live.core.registry.by_name("housing")
    assert app is not None
    return Caller(app, live.core.registry.rights(app.client_id, app.scopes()), use or Use("rent", "张三"))


def codes_of(run: Mapping[str, Any]) -> list[str]:
    return [refusal["code"] for refusal in run["refusals"]]


@pytest.mark.anyio
async def test_a_row_condition_on_an_item_shared_with_nobody_is_not_told_to_the_caller(live: Live) -> None:
    """It is there for nobody but administrators, in a grant's condition neither."""
    publish(live.core, changed('code = "birth_date"', 'code = "birth_date"\nsharing_class = "NOT_SHARED"'))
    await live.refresh()
    document = "{ civilAffairs { persons(first: 7) { nodes { idNumber } } } }"
    data, _ = await ask(DATA, live, housing(live), OWN.replace("rowCondition", "rowCondition rowsLimited"), document=document)
    assert [(each["rowsLimited"], each["rowCondition"]) for each in data["dryRun"]["resources"]] == [(True, None)]
    data, _ = await ask(GOVERNANCE, live, administrator(live, "governance:audit"), OTHERS, app="housing", document=document)
    assert [each["rowCondition"] for each in data["dryRun"]["resources"]] == [{"birth_date": {"gte": "1990-01-01"}}]


@pytest.mark.anyio
async def test_a_caller_runs_its_own_document_dry(live: Live) -> None:
    data, codes = await ask(DATA, live, housing(live), OWN, document=LIST)
    run = data["dryRun"]
    assert (codes, run["wouldRun"], run["purposes"], run["otherFields"]) == ([], True, ["rent"], ["me"])
    assert run["sources"] == [{"source": "civil_affairs.db", "statements": 2, "keys": 7, "pages": [7]}]
    (resource,) = run["resources"]
    assert (resource["resource"], resource["operations"], resource["rowsAtMost"]) == (PERSON, ["QUERY"], 14)
    assert resource["rowCondition"] == {"birth_date": {"gte": "1990-01-01"}}
    assert resource["quota"] == {"calls": 10, "rows": None, "per": "DAY"}
    assert {(item["code"], item["use"], item["mask"]) for item in resource["items"]} == {
        ("birth_date", "CLEAR", None),
        ("id_number", "MASKED", "NAME@1"),
        ("id_number", "KEY", None),
    }
    assert [place["path"] for place in run["places"] if place["mask"]] == ["civilAffairs.persons.nodes.idNumber"]
    assert run["cost"]["rows"] == 14


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("use", "document", "code"),
    [
        (Use(), LIST, "PURPOSE_REQUIRED"),
        (Use("other", "张三"), LIST, "PURPOSE_NOT_GRANTED"),
        (Use("rent", "张三"), "{ civilAffairs { persons(first: 101) { nodes { birthDate } } } }", "BAD_INPUT"),
        (Use("rent", "张三"), "{ civilAffairs { persons { nodes { secret } } } }", "INVALID_DOCUMENT"),
        (Use("rent", "张三"), "{ " + "a { " * 12 + "b" + " }" * 12 + " }", "QUERY_BUDGET"),
    ],
)
async def test_refusals_are_told_and_not_raised(live: Live, use: Use, document: str, code: str) -> None:
    data, codes = await ask(DATA, live, housing(live, use), OWN, document=document)
    assert (codes, data["dryRun"]["wouldRun"], codes_of(data["dryRun"])) == ([], False, [code])


@pytest.mark.anyio
async def test_trusted_documents_and_quota_are_told(live: Live) -> None:
    """Both at once: whoever asks learns of every obstacle."""
    core = live.core
    core.sharing.change_grant(CONSOLE, core.sharing.grants(client(core))[0].id, "REVOKED")
    made = core.sharing.create_grant(CONSOLE, terms(quota={"calls": 1, "rows": None, "per": "MONTH"}))
    core.registry.refresh()
    data, _ = await ask(DATA, live, housing(live), OWN, document=LIST)
    assert codes_of(data["dryRun"]) == ["FORBIDDEN"]
    use_up(core, made.id)
    data, _ = await ask(DATA, live, housing(live), OWN, document=LIST)
    assert codes_of(data["dryRun"]) == ["FORBIDDEN", "QUOTA_EXCEEDED"]


def use_up(core: Core, number: str) -> None:
    """One call of the grant, counted as calls are."""
    asked = explainer(core)
    decision = asked.explain(core.catalog.current(), asked.application("housing"), PERSON, now()).given.decision
    assert decision is not None
    assert decision.grant == number
    with core.engine.begin() as connection:
        usage([decision], {PERSON: 1})(connection)


@pytest.mark.anyio
async def test_dry_runs_of_one_call_share_one_allowance(live: Live) -> None:
    """Aliases make no amplifier: together they may count what one call may."""
    document = "query ($r: [CivilAffairsPersonVerificationRequest!]!) { civilAffairs { verifyPersons(requests: $r) { outcome } } }"
    aliases = " ".join(f"d{i}: dryRun(document: $document, variables: $given) {{ cost {{ verifications }} refusals {{ code }} }}" for i in range(MOST_RUNS))
    text = "query($document: String!, $given: JSON) { " + aliases + " }"
    request = {"subject": {"idNumber": "11010519491231002X"}, "claims": {"birthDate": "1949-12-31"}}
    data, _ = await ask(DATA, live, housing(live), text, document=document, given={"r": [request] * 40})
    told = [[refusal["code"] for refusal in data[f"d{i}"]["refusals"]] for i in range(MOST_RUNS)]
    assert (told.count([]), told.count(["QUERY_BUDGET"])) == (2, MOST_RUNS - 2)


def test_no_resource_is_called_like_a_type_of_dry_runs() -> None:
    """A department ``dry`` could have a resource ``run``."""
    types = {name for name in DATA._schema.type_map if name.startswith(("DryRun", "Explained"))}
    assert len(types) > 7
    assert types <= set(RESERVED_TYPES)


@pytest.mark.anyio
async def test_the_public_runs_dry_what_it_sees(live: Live) -> None:
    data, _ = await ask(DATA, live, Caller(None, PUBLIC, Use()), OWN, document=LIST)
    assert codes_of(data["dryRun"]) == ["INVALID_DOCUMENT"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("scopes", "department", "document", "allowed"),
    [
        (("governance:audit",), "city_data", LIST, True),
        (("governance:steward",), "civil_affairs", LIST, True),
        (("governance:steward",), "housing", LIST, False),
        (("governance:steward",), "civil_affairs", "{ nothing }", False),
        (("governance:system",), "city_data", LIST, False),
    ],
)
async def test_administrators_run_documents_of_applications_dry(live: Live, scopes: tuple[str, ...], department: str, document: str, allowed: bool) -> None:
    caller = administrator(live, *scopes, department=department)
    data, codes = await ask(GOVERNANCE, live, caller, OTHERS, app="housing", document=document)
    assert codes == ([] if allowed else ["FORBIDDEN"])
    if allowed:
        assert data["dryRun"]["wouldRun"] is True
        refused, _ = await ask(GOVERNANCE, live, caller, OTHERS, app="housing", document=document, purpose="other")
        assert codes_of(refused["dryRun"]) == ["PURPOSE_NOT_GRANTED"]


@pytest.mark.anyio
async def test_a_call_has_few_dry_runs(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each document is parsed and validated: thirty in one call would be the work of thirty calls, for anybody."""
    parsed: list[str] = []
    sound = Documents._sound

    def counted(self: Documents, text: str, **how: Any) -> Any:
        parsed.append(text)
        return sound(self, text, **how)

    monkeypatch.setattr(Documents, "_sound", counted)
    many = "query($document: String!) {" + " ".join(f"r{i}: dryRun(document: $document) {{ wouldRun }}" for i in range(30)) + "}"
    data, codes = await ask(DATA, live, housing(live), many, document="{ x }")
    assert (data, len(parsed), set(codes)) == (None, MOST_RUNS, {"QUERY_BUDGET"})
