"""Introspection and SDL of some departments: a schema of its own, with nothing in it that the caller does not see; queries are not limited by it."""

from __future__ import annotations

import pytest
from graphql import build_client_schema, build_schema, get_introspection_query

from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]
HEADER = "Huitong-Departments"
CODED = {"catalog", "resource", "exchange", "exchanges", "calls", "me", "dryRun", "accessRequest", "accessRequests", "disposals", "feedback", "feedbacks"}
"""Fields of the query that are no departments."""


def roots(hub: RunningHub, caller: str | None, departments: str) -> set[str]:
    """The root fields that come back, without those known at coding time."""
    whole = hub.ask(caller, get_introspection_query(), use=False, headers={HEADER: departments})
    query = build_client_schema(whole.data).query_type
    assert query is not None
    return set(query.fields) - CODED


def test_a_caller_chooses_departments_by_root_field_or_code(hub: RunningHub) -> None:
    assert roots(hub, "housing", "civilAffairs") == {"civilAffairs"}
    assert roots(hub, "housing", "civil_affairs, cityData") == {"civilAffairs", "cityData"}
    assert roots(hub, "housing", "") == roots(hub, "housing", "nowhere") == set()


def test_what_is_unseen_cannot_be_chosen(hub: RunningHub) -> None:
    assert roots(hub, None, "civilAffairs, marketRegulation") == {"marketRegulation"}


def test_links_to_departments_that_are_not_chosen_are_left_out_but_can_be_followed(hub: RunningHub) -> None:
    one = "query ($n: String!) { __type(name: $n) { fields { name } } }"
    name = {"n": "MarketRegulationCompany"}
    whole = {each["name"] for each in hub.ask(None, one, name).data["__type"]["fields"]}
    alone = {each["name"] for each in hub.ask(None, one, name, headers={HEADER: "marketRegulation"}).data["__type"]["fields"]}
    assert whole - alone == {"division"}
    text = "{ marketRegulation { companies(first: 1) { nodes { division { fullName } } } } }"
    assert hub.ask(None, text, headers={HEADER: "marketRegulation"}).data == hub.ask(None, text).data


def test_the_sdl_is_limited_alike(hub: RunningHub) -> None:
    answer = hub.http("GET", "/graphql/schema.graphql", headers={**hub.headers("housing"), HEADER: "civilAffairs"})
    assert answer.status_code == 200
    known = build_schema(answer.text).type_map
    assert "CivilAffairsPerson" in known
    assert not any(name.startswith(("CityData", "MarketRegulation")) for name in known)


def test_an_introspection_comes_gzipped_to_who_takes_it(hub: RunningHub) -> None:
    plain, packed = (hub.ask("housing", get_introspection_query(), headers={"Accept-Encoding": each}) for each in ("identity", "gzip"))
    assert plain.data == packed.data
    assert "content-encoding" not in plain.response.headers
    assert int(plain.response.headers["content-length"]) == len(plain.response.content)
    assert packed.response.headers["content-encoding"] == "gzip"
