"""Links and filters through links as applications meet them: rights at both ends, purposes, exchange, the caller's log, values that do not fit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from stdnum.cn import uscc

from tests.acceptance.transport import START, granted, published, registered
from tests.hub.running import DISTRICT, RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]
LIST = "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w, first: 1000) { totalCount nodes { name birthDate } } } }"
THROUGH = (
    "SELECT count(*) FROM person p WHERE p.district = ? AND {} EXISTS (SELECT 1 FROM household h WHERE h.household_no = p.household_no AND h.district = ?{})"
)


@pytest.mark.parametrize(
    ("where", "negated", "more"),
    [
        ({"household": {}}, "", ""),
        ({"household": {"district": {"eq": DISTRICT}}}, "", ""),
        ({"household": {"district": {"ne": DISTRICT}}}, "", " AND 0"),
        ({"not": {"household": {}}}, "NOT", ""),
        ({"not": {"household": {"district": {"in": ["520103", DISTRICT]}}}}, "NOT", ""),
    ],
)
def test_rows_are_those_of_the_database_itself(hub: RunningHub, where: dict[str, Any], negated: str, more: str) -> None:
    """Both grants end at the district: rows outside it are there for neither end."""
    found = hub.ask("housing", LIST, {"w": where}).data["civilAffairs"]["persons"]
    ((expected,),) = hub.rows("civil_affairs", THROUGH.format(negated, more), [DISTRICT, DISTRICT])
    assert len(found["nodes"]) == expected
    assert found["totalCount"] == expected


@pytest.mark.parametrize("item", ["address", "headIdNumber", "noSuchItem"])
def test_what_the_caller_does_not_see_in_clear_it_cannot_compare_through_a_link(hub: RunningHub, item: str) -> None:
    text = f'{{ civilAffairs {{ persons(where: {{household: {{{item}: {{eq: "x"}}}}}}) {{ totalCount }} }} }}'
    assert hub.ask("housing", text).codes == ["INVALID_DOCUMENT"]
    assert hub.ask("housing", LIST, {"w": {"household": {item: {"eq": "x"}}}}).codes == ["BAD_INPUT"]


def test_links_into_other_sources_are_followed_and_are_no_filters(hub: RunningHub) -> None:
    text = hub.http("GET", "/graphql/schema.graphql", headers=hub.headers("housing")).text
    where = text[text.index("input HumanResourcesSocialInsuranceWhere") :].split("}")[0]
    shown = text[text.index("type HumanResourcesSocialInsurance ") :].split("}")[0]
    assert "person:" in shown.replace(" ", "")
    assert "person" not in where
    assert "household: CivilAffairsHouseholdWhere" in text


def test_the_callers_log_names_what_was_compared(hub: RunningHub) -> None:
    hub.ask("housing", LIST, {"w": {"household": {"district": {"eq": DISTRICT}}}})
    call = hub.ask("housing", "{ calls(first: 1) { nodes { resources items outcome } } }").data["calls"]["nodes"][0]
    assert set(call["resources"]) == {"civil_affairs.person", "civil_affairs.household"}
    assert "civil_affairs.household" in str(call["items"])
    assert call["outcome"] == "OK"


@pytest.fixture(scope="module")
def linker(hub: RunningHub) -> str:
    """An application with two grants: persons for one purpose and exchange, households for another purpose and queries."""
    registered(hub, "linker")
    for code, items, purpose, operations in (
        ("person", ("birth_date", "household_no"), "permit-check", ["QUERY", "EXCHANGE"]),
        ("household", ("household_no", "district"), "another-purpose", ["QUERY"]),
    ):
        granted(
            hub,
            {
                "application": "linker",
                "resource": f"civil_affairs.{code}",
                "operations": operations,
                "items": [{"code": item, "value": "CLEAR", "key": item == "household_no"} for item in items],
                "purposes": [{"code": purpose, "scenario": "运输资格审核", "basis": "道路运输条例"}],
                "approver": "市民政局 丙",
            },
        )
    return "linker"


def test_the_purpose_must_be_granted_for_the_resource_behind_the_filter(hub: RunningHub, linker: str) -> None:
    count = "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w) { totalCount } } }"
    assert hub.ask(linker, count, {"w": {"birthDate": {"isNull": False}}}).data["civilAffairs"]["persons"]["totalCount"] > 0
    for where in ({"household": {}}, {"or": [{"not": {"household": {"district": {"eq": DISTRICT}}}}]}):
        assert hub.ask(linker, count, {"w": where}).codes == ["PURPOSE_NOT_GRANTED"]
    assert hub.ask(linker, "{ civilAffairs { persons(where: {household: {}}) { totalCount } } }").codes == ["PURPOSE_NOT_GRANTED"]


def test_an_exchange_does_not_filter_by_what_may_not_be_exchanged(hub: RunningHub, linker: str) -> None:
    for number, (where, codes) in enumerate({"": [], "(where: {household: {}})": ["FORBIDDEN"]}.items()):
        document = f"{{ civilAffairs {{ persons{where} {{ nodes {{ birthDate }} }} }} }}"
        assert hub.ask(linker, START, {"document": document, "format": "CSV", "key": f"links-{number}"}).codes == codes


def test_one_answer_over_databases_and_a_service(hub: RunningHub) -> None:
    text = """{ humanResources { socialInsurances(first: 50) { nodes { state district person { name household { district } } employer { name division { name } } } } } }"""
    answer = hub.ask("housing", text)
    nodes = answer.data["humanResources"]["socialInsurances"]["nodes"]
    assert len(nodes) == 50
    assert any(node["person"] and node["person"]["household"] for node in nodes)
    assert any(node["employer"] and node["employer"]["division"] for node in nodes)
    states = {each["source"].partition(".")[0]: each["state"] for each in answer.content["extensions"]["sources"]}
    assert states == dict.fromkeys(("human_resources", "civil_affairs", "market_regulation", "city_data"), "OK")


PARCELS = """
[department]
code = "orchards"
name = "市果园局"
uscc = "{uscc}"

[[sources]]
code = "register"
kind = "sql"
url = "{url}"

[[resources]]
code = "tree"
plural = "trees"
name = "果树"
description = "果树的信息"
classification = "30702601"
level = "PUBLIC"
sharing_class = "UNCONDITIONAL"
open_class = "OPEN"
update_cycle = "daily"
operations = ["QUERY", "EXCHANGE"]
service_methods = ["INTERFACE", "FILE"]
source = "register"
object = "tree"
identifiers = ["tree_no"]
stable_key = "tree_id"

[[resources.items]]
code = "tree_no"
name = "编号"
type = "string"
column = "tree_no"
filterable = true

[[resources.items]]
code = "apples"
name = "果数"
type = "integer"
column = "apples"
"""


@pytest.fixture(scope="module")
def orchard(hub: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> RunningHub:
    """A department with numbers that do not fit the type in its catalog: one among the first thirty trees, all of the next thirty."""
    path = tmp_path_factory.mktemp("orchards") / "trees.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE tree (tree_id INTEGER PRIMARY KEY, tree_no TEXT, apples INTEGER)")
        connection.executemany("INSERT INTO tree VALUES (?, ?, ?)", [(i, f"{'A' if i < 30 else 'B'}{i}", 2**40 if i == 7 or i >= 30 else i) for i in range(60)])
    code = "115201000093990" + "77"
    published(hub, PARCELS.format(uscc=code + uscc.calc_check_digit(code), url=f"sqlite+aiosqlite:///{path}"))
    registered(hub, "gardener")
    return hub


def trees(hub: RunningHub, letter: str) -> Any:
    text = f'{{ orchards {{ trees(first: 100, where: {{treeNo: {{startsWith: "{letter}"}}}}) {{ nodes {{ treeNo apples }} }} }} }}'
    return hub.ask("gardener", text)


def test_one_value_that_does_not_fit_costs_no_other(orchard: RunningHub) -> None:
    answer = trees(orchard, "A")
    assert answer.status == 200
    nodes = answer.content["data"]["orchards"]["trees"]["nodes"]
    assert [node["apples"] for node in nodes] == [None if i == 7 else i for i in range(30)]
    (error,) = answer.errors
    assert error["path"] == ["orchards", "trees", "nodes", 7, "apples"]
    assert error["message"] == "the source of orchards.tree holds a value of apples that does not fit the type in the catalog"
    assert (error["extensions"]["code"], error["extensions"]["origin"], error["extensions"]["retryable"]) == ("SOURCE_VALUE", "SOURCE", False)
    call = orchard.ask("gardener", "{ calls(first: 1) { nodes { outcome code rows } } }").data["calls"]["nodes"][0]
    assert call == {"outcome": "PARTIAL", "code": "SOURCE_VALUE", "rows": 30}


def test_many_of_them_have_one_error_that_says_how_many(orchard: RunningHub) -> None:
    (error,) = trees(orchard, "B").errors
    assert error["path"] == ["orchards", "trees", "nodes"]
    assert (error["extensions"]["field"], error["extensions"]["rows"]) == ("apples", 30)


def test_a_file_has_nulls_in_their_place_and_its_exchange_says_how_many(orchard: RunningHub) -> None:
    given = {"document": "{ orchards { trees { nodes { treeNo apples } } } }", "format": "CSV", "key": "trees"}
    identity = orchard.ask("gardener", START, given).data["startExchange"]["exchange"]["id"]
    exchange = ended(orchard, identity)
    assert exchange["state"] == "SUCCEEDED"
    assert exchange["reason"].startswith("SOURCE_VALUE 31 ")
    lines = orchard.http("GET", exchange["files"][0]["url"], headers=orchard.headers("gardener")).content.decode("utf-8-sig").splitlines()
    assert (len(lines), lines[7], lines[8]) == (61, "A6,6", "A7,")


def ended(hub: RunningHub, identity: str) -> Any:
    """The exchange once it has ended: its events end with it."""
    assert hub.http("GET", f"/exchanges/{identity}/events", headers=hub.headers("gardener")).status_code == 200
    return hub.ask("gardener", "query ($id: ID!) { exchange(id: $id) { state reason files { url } } }", {"id": identity}).data["exchange"]
