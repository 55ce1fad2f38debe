"""What a caller may not see does not exist for it: no name, no type, no error betrays it; the catalog alone tells how to apply."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from hub.demo.declarations import DEPARTMENTS
from schema.naming import camel
from tests.hub.running import Answer, RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

NAMES = "{ __schema { types { name fields { name } inputFields { name } enumValues { name } } } }"
CATALOG = """query ($search: String) { catalog(search: $search, first: 100) { totalCount nodes {
    code sharingClass items { code access } access { operations requestable grant { id } } } } }"""


def introspected(hub: RunningHub, name: str | None) -> dict[str, set[str]]:
    found = {}
    for kind in hub.ask(name, NAMES, use=False).data["__schema"]["types"]:
        lists = [kind[key] or [] for key in ("fields", "inputFields", "enumValues")]
        found[kind["name"]] = {each["name"] for several in lists for each in several}
    return found


def sdl(hub: RunningHub, name: str | None) -> str:
    return hub.http("GET", "/graphql/schema.graphql", headers=hub.headers(name)).text


def without(answer: Answer, name: str) -> str:
    """The answer's bytes with the asked name and all that differs between any two calls taken out."""
    text = answer.response.text.replace(name, "NAME")
    text = re.sub(r'"receipt":\{.*?\}', '"receipt":{}', text)
    return re.sub(r"call_[0-9a-f]+", "CALL", text)


def same_as_misspelt(hub: RunningHub, caller: str | None, document: str, name: str, misspelt: str, **more: Any) -> None:
    """``document`` has ``NAME`` where the name stands; both names are as long, so that places are the same."""
    assert len(name) == len(misspelt)
    answers = [hub.ask(caller, document.replace("NAME", each), **more) for each in (name, misspelt)]
    assert answers[0].codes == ["INVALID_DOCUMENT"] * len(answers[0].codes) != []
    assert [answer.status for answer in answers] == [400, 400]
    assert without(answers[0], name) == without(answers[1], misspelt)
    assert next(sorted(answer.response.headers) for answer in answers) == sorted(answers[1].response.headers)


@pytest.mark.parametrize(
    ("caller", "document", "name", "misspelt"),
    [
        ("bank", "{ NAME { persons(first: 2) { nodes { name } } } }", "civilAffairs", "civilAffaris"),
        ("bank", "{ NAME { realEstates { nodes { unitNo } } } }", "naturalResources", "naturalResuorces"),
        ("bank", "{ marketRegulation { companies { nodes { NAME } } } }", "legalRepIdNumber", "legalRepIdNumbre"),
        ("bank", "{ marketRegulation { companies { nodes { NAME { name } } } } }", "legalRep", "legalPer"),
        ("bank", '{ __type(name: "NAME") { name } x }', "CivilAffairsPerson", "CivilAffairsPresno"),
        ("bank", "query ($w: NAME) { marketRegulation { companies { nodes { name } } } }", "CivilAffairsPersonWhere", "CivilAffairsPersonWhree"),
        ("bank", "{ marketRegulation { companies { nodes { ... on NAME { name } } } } }", "CivilAffairsPerson", "CivilAffairsPresno"),
        ("bank", "fragment F on NAME { name } { ...F }", "CivilAffairsPerson", "CivilAffairsPresno"),
        ("housing", "{ civilAffairs { NAME(first: 1) { nodes { registrationNo } } } }", "adoptions", "adoptinos"),
        ("housing", '{ civilAffairs { NAME(registrationNo: "1") { registrationNo } } }', "adoption", "adoptino"),
        ("housing", "{ civilAffairs { persons { nodes { NAME } } } }", "householdNo", "householdOn"),
        ("housing", "{ civilAffairs { NAME { count } } }", "adoptionsAggregate", "adoptionsAgrgegate"),
        ("housing", "{ civilAffairs { personsAggregate(groupBy: [NAME]) { count } } }", "phone", "phnoe"),
        ("housing", "{ civilAffairs { personsAggregate { max { NAME } } } }", "idNumber", "idNubmer"),
        ("bank", '{ marketRegulation { companiesAggregate(where: {NAME: {eq: "1"}}) { count } } }', "legalRepIdNumber", "legalRepIdNumbre"),
        ("housing", "{ humanResources { socialInsurances { nodes { NAME } } } }", "base", "bsae"),
        ("housing", "{ humanResources { socialInsurances { nodes { NAME } } } }", "recordNo", "recordOn"),
        ("housing", "{ naturalResources { realEstates { nodes { NAME } } } }", "address", "addrses"),
        ("housing", '{ civilAffairs { persons(where: {NAME: {eq: "1"}}) { nodes { name } } } }', "idNumber", "idNubmer"),
        ("housing", '{ civilAffairs { persons(where: {NAME: {startsWith: "13"}}) { nodes { name } } } }', "phone", "phnoe"),
        ("housing", '{ civilAffairs { persons(where: {NAME: {startsWith: "13"}}) { nodes { name } } } }', "address", "adrdess"),
        ("housing", "{ civilAffairs { persons(where: {NAME: {isNull: true}}) { nodes { name } } } }", "householdNo", "householdOn"),
        ("housing", "{ civilAffairs { persons(orderBy: [{NAME: ASC}]) { nodes { name } } } }", "idNumber", "idNubmer"),
        ("housing", "{ civilAffairs { persons(orderBy: [{NAME: DESC}]) { nodes { name } } } }", "phone", "phnoe"),
        ("housing", '{ civilAffairs { verifyPerson(subject: {idNumber: "1"}, claims: {NAME: "1"}) { outcome } } }', "householdNo", "householdOn"),
        ("housing", "{ NAME { a } }", "adoption", "adoptino"),
        (None, "{ NAME { persons { nodes { name } } } }", "civilAffairs", "civilAffaris"),
        (None, "{ marketRegulation { NAME { nodes { licenceNo } } } }", "licences", "licenecs"),
        (None, "{ marketRegulation { companies { nodes { NAME } } } }", "legalRepIdNumber", "legalRepIdNumbre"),
    ],
)
def test_what_is_unseen_reads_as_a_misspelt_name(hub: RunningHub, caller: str | None, document: str, name: str, misspelt: str) -> None:
    same_as_misspelt(hub, caller, document, name, misspelt)


def test_an_unseen_resource_and_a_misspelt_one_refuse_an_exchange_alike(hub: RunningHub) -> None:
    start = "mutation ($d: String!, $k: String!) { startExchange(input: {document: $d, format: CSV, idempotencyKey: $k}) { exchange { id } } }"
    texts = []
    for name in ("civilAffairs", "civilAffaris"):
        answer = hub.ask("bank", start, {"d": f"{{ {name} {{ persons {{ nodes {{ name }} }} }} }}", "k": f"unseen-{name}"})
        assert answer.codes == ["INVALID_DOCUMENT"]
        texts.append(without(answer, name))
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("document", "name", "misspelt"),
    [
        ('query { resource(code: "NAME") { code } }', "civil_affairs.adoption", "civil_affairs.adoptino"),
        ('mutation { reportError(input: {resource: "NAME", description: "x"}) { feedback { id } } }', "civil_affairs.adoption", "civil_affairs.adoptino"),
        (
            'mutation { requestAccess(input: {resource: "NAME", operations: [QUERY], items: [{code: "registration_no", access: CLEAR}],'
            ' purpose: "p", scenario: "s", legalBasis: "b"}) { accessRequest { id } } }',
            "civil_affairs.adoption",
            "civil_affairs.adoptino",
        ),
        ('query { catalog(search: "NAME") { totalCount nodes { code } } }', "adoption", "adoptino"),
        ('query { calls(resource: "NAME") { nodes { id } } }', "civil_affairs.adoption", "civil_affairs.adoptino"),
    ],
)
@pytest.mark.parametrize("caller", ["bank", "housing", "civil_affairs_own"])
def test_what_is_not_shared_is_nowhere(hub: RunningHub, caller: str, document: str, name: str, misspelt: str) -> None:
    answers = [hub.ask(caller, document.replace("NAME", each)) for each in (name, misspelt)]
    assert answers[0].status == answers[1].status
    assert without(answers[0], name) == without(answers[1], misspelt)


@pytest.mark.parametrize("caller", ["bank", "housing", "civil_affairs_own", None])
def test_no_word_of_what_is_not_shared(hub: RunningHub, caller: str | None) -> None:
    catalog = hub.ask(caller, "{ catalog(first: 100) { nodes { code name description items { code name nameEn } } } }", use=False).response.text
    for text in (sdl(hub, caller), str(introspected(hub, caller)), catalog):
        for word in ("adoption", "收养", "Adoption"):
            assert word not in text
    names = introspected(hub, caller)
    assert [name for name in names if "Adoption" in name] == []


def test_housings_schema_has_what_its_grants_show_and_nothing_else(hub: RunningHub) -> None:
    names = introspected(hub, "housing")
    assert names["CivilAffairsPerson"] == {"idNumber", "name", "gender", "birthDate", "phone", "address", "district", "household"}
    assert names["CivilAffairsPersonWhere"] == {"and", "or", "not", "gender", "birthDate", "district", "household"}
    assert names["CivilAffairsPersonOrder"] == {"gender", "birthDate", "district"}
    one, several = {"person", "verifyPerson", "household"}, {"persons", "verifyPersons", "households"}
    assert names["CivilAffairs"] == one | several | {"personsAggregate", "householdsAggregate"}
    assert names["CivilAffairsPersonAggregateBy"] == {"gender", "birthDate", "district"}
    assert names["CivilAffairsPersonAggregateExtreme"] == {"birthDate"}
    assert "base" not in names["HumanResourcesSocialInsurance"]
    assert {"address"}.isdisjoint(names["NaturalResourcesRealEstate"])
    text = sdl(hub, "housing")
    composite = {name for name, members in names.items() if members and not name.startswith("__")}
    assert set(re.findall(r"^(?:type|input|enum) (\w+)", text, re.MULTILINE)) == composite
    assert "headIdNumber" not in text
    assert "缴费基数" not in text


def test_the_bank_sees_open_and_unconditional_resources_only(hub: RunningHub) -> None:
    names = introspected(hub, "bank")
    own = {"catalog", "resource", "exchange", "exchanges", "calls", "me", "dryRun", "accessRequest", "accessRequests", "disposals", "feedback", "feedbacks"}
    departments = {camel(department.code) for department in DEPARTMENTS} & (set(names["Query"]) - own)
    assert departments == {"cityData", "ecology", "marketRegulation", "humanResources", "housing"}
    assert "legalRepIdNumber" not in names["MarketRegulationCompany"]
    assert not any(name.startswith(("CivilAffairs", "NaturalResources", "HumanResourcesSocial", "WaterSupply")) for name in names)


def test_the_catalog_tells_the_bank_how_to_apply(hub: RunningHub) -> None:
    shown = {node["code"]: node for node in hub.ask("bank", CATALOG).data["catalog"]["nodes"]}
    person = shown["civil_affairs.person"]
    assert person["access"] == {"operations": [], "requestable": True, "grant": None}
    assert {item["access"] for item in person["items"]} == {"NONE"}
    assert shown["market_regulation.company"]["access"]["requestable"] is False
    request = {
        "resource": "civil_affairs.person",
        "operations": ["VERIFY"],
        "items": [{"code": "name", "access": "CLEAR"}, {"code": "id_number", "access": "MASKED"}],
        "rows": {"district": {"eq": "520102"}},
        "purpose": "核验开户人身份",
        "scenario": "对公账户开户",
        "legalBasis": "人民币银行结算账户管理办法",
    }
    document = """mutation ($input: AccessRequestInput!) { requestAccess(input: $input) { accessRequest {
        id state dueOn rule history { at actor step opinion } } } }"""
    filed = hub.ask("bank", document, {"input": request}).data["requestAccess"]["accessRequest"]
    assert filed["id"]
    assert date.fromisoformat(filed["dueOn"]) > datetime.now(UTC).date()
    assert "809" in filed["rule"]
    assert [step["actor"] for step in filed["history"]] == ["bank"]
    faults: tuple[dict[str, Any], ...] = (
        {"purpose": " "},
        {"items": []},
        {"items": [{"code": "nmae", "access": "CLEAR"}]},
        {"operations": []},
        {"rows": {"nowhere": {"eq": 1}}},
    )
    for fault in faults:
        assert hub.ask("bank", document, {"input": {**request, **fault}}).codes == ["BAD_INPUT"], fault


def test_the_public_reads_what_is_open_and_nothing_else(hub: RunningHub) -> None:
    companies = "{ marketRegulation { companies(first: 3) { totalCount nodes { uscc name status registeredOn division { fullName } } } } }"
    page = hub.ask(None, companies).data["marketRegulation"]["companies"]
    stored = hub.rows("market_regulation", "SELECT uscc, name FROM company ORDER BY company_id")
    assert page["totalCount"] == len(stored)
    assert [(node["uscc"], node["name"]) for node in page["nodes"]] == stored[:3]
    names = introspected(hub, None)
    open_resources = hub.ask(None, CATALOG).data["catalog"]
    known = {"city_data.division", "ecology.air_quality", "market_regulation.company", "human_resources.vacancy"}
    codes = {node["code"] for node in open_resources["nodes"]}
    assert {code for code in codes if code.partition(".")[0] in {department.code for department in DEPARTMENTS}} == known
    assert open_resources["totalCount"] == len(codes)
    assert not any(name.startswith(("CivilAffairs", "NaturalResources", "HumanResourcesSocial", "MarketRegulationLicence")) for name in names)
    assert "legalRep" not in names["MarketRegulationCompany"]


@pytest.mark.parametrize("document", ["{ me { application } }", "{ calls { nodes { id } } }", "{ exchanges { nodes { id } } }", '{ exchange(id: "x") { id } }'])
def test_the_public_has_no_identity(hub: RunningHub, document: str) -> None:
    answer = hub.ask(None, document)
    assert answer.codes == ["UNAUTHENTICATED"]
