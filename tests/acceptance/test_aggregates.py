"""Aggregates as applications meet them: the documents' own example, figures equal to the database's, small cohorts withheld (E4, E5)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from schema.model import DEFAULT_COHORT
from tests.hub.running import DISTRICT, RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]
PERSONS = """query ($w: CivilAffairsPersonWhere) { civilAffairs { personsAggregate(where: $w, groupBy: [gender]) {
    withheld count min { birthDate } max { birthDate } groups { key { gender } count min { birthDate } } } } }"""
EXAMPLE = re.search(r"```graphql\n(\{ marketRegulation.*?)```", (Path(__file__).parents[2] / "docs" / "graphql.md").read_text("utf-8"), re.DOTALL)


def persons(hub: RunningHub, where: dict[str, Any]) -> Any:
    answer = hub.ask("housing", PERSONS, {"w": where})
    assert answer.codes == [], answer.codes
    return answer.data["civilAffairs"]["personsAggregate"]


def test_figures_are_those_of_the_database(hub: RunningHub) -> None:
    found = persons(hub, {})
    rows = hub.rows(
        "civil_affairs", "SELECT gender, count(*), min(birth_date), max(birth_date) FROM person WHERE district = ? GROUP BY 1 ORDER BY 1", [DISTRICT]
    )
    assert all(count >= DEFAULT_COHORT for _, count, _, _ in rows)
    assert found["groups"] == [{"key": {"gender": gender}, "count": count, "min": {"birthDate": least}} for gender, count, least, _ in rows]
    assert (found["withheld"], found["count"]) == (False, sum(row[1] for row in rows))
    assert (found["min"]["birthDate"], found["max"]["birthDate"]) == (min(row[2] for row in rows), max(row[3] for row in rows))
    call = hub.ask("housing", "{ calls(first: 1) { nodes { items rows outcome } } }").data["calls"]["nodes"][0]
    assert (call["outcome"], int(call["rows"])) == ("OK", 0)


def test_e4_e5_one_person_is_not_singled_out(hub: RunningHub) -> None:
    born = hub.inside[0]["birth_date"]
    withheld = {"withheld": True, "count": None, "min": {"birthDate": None}, "max": {"birthDate": None}, "groups": []}
    assert persons(hub, {"birthDate": {"eq": born}}) == withheld
    assert persons(hub, {"not": {"birthDate": {"eq": born}}}) == withheld, "all the others tell of one, too"
    assert persons(hub, {"birthDate": {"eq": "1700-01-01"}}) == withheld, "and so is nobody"
    one = "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w) { totalCount } } }"
    assert hub.ask("housing", one, {"w": {"birthDate": {"eq": born}}}).data["civilAffairs"]["persons"]["totalCount"] is None


def test_the_documents_example_runs_for_the_public(hub: RunningHub) -> None:
    assert EXAMPLE is not None
    found = hub.ask(None, EXAMPLE[1]).data["marketRegulation"]["companiesAggregate"]
    ((count,),) = hub.rows("market_regulation", "SELECT count(*) FROM company WHERE registered_on >= '2020-01-01'", [])
    assert (found["withheld"], found["count"]) == (False, count)
    assert sum(group["count"] for group in found["groups"]) == count


def test_a_dry_run_tells_of_aggregates(hub: RunningHub) -> None:
    text = """query ($d: String!) { dryRun(document: $d) { wouldRun places { path item } sources { statements }
        resources { rowsAtMost items { code use } } cost { rows } refusals { code } } }"""
    document = "{ civilAffairs { personsAggregate(groupBy: [district]) { count max { birthDate } groups { key { district } } } } }"
    told = hub.ask("housing", text, {"d": document}).data["dryRun"]
    assert (told["wouldRun"], told["refusals"], told["cost"]["rows"]) == (True, [], 1000)
    path = "civilAffairs.personsAggregate"
    assert {(place["path"], place["item"]) for place in told["places"]} == {
        (f"{path}.max.birthDate", "birth_date"),
        (f"{path}.groups.key.district", "district"),
    }
    assert {(item["code"], item["use"]) for item in told["resources"][0]["items"]} == {("birth_date", "CLEAR"), ("district", "AGGREGATE")}
    assert [each["statements"] for each in told["sources"]] == [1]
