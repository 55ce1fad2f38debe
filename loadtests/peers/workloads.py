"""What is asked of the hub and of each peer, and what their answers come to.

A list begins behind a drawn place, the number of a row, and is told by gender: every server reads ``gender = $1 AND id > $2 ORDER BY id LIMIT n`` by the same index.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Mapping
from typing import Any

import orjson

from loadtests.city import City

WORKLOADS = ("W1", "W2", "W3", "W4", "W5")
"""What all servers answer: a person by ID number, lists of 100 and of 1,000 persons, 50 companies with their legal representatives, and ``{ __typename }``."""
HUB_ONLY = ("verify",)
HUB = "hub"
ITEMS = ("idNumber", "name", "gender", "birthDate", "phone", "address", "email", "householdNo")
COMPANY_ITEMS = ("uscc", "name", "status", "capital", "founded")
REPRESENTATIVE_ITEMS = ("idNumber", "name", "gender", "phone")
COUNTS = {"W2": 100, "W3": 1000, "W4": 50}
_LIMITS = ("limit-held", "limit-pool")
_ROUTES = {"W1": "/person", "W2": "/persons", "W3": "/persons", "W4": "/companies", "W5": "/typename"}
_GENDERS = ("男", "女")
_STATUSES = ("ACTIVE", "REVOKED")
_SCARCE = {"W2": 4, "W3": 4, "W4": 8}
"""Rows that are left for each one asked for: a quarter of the companies is revoked."""


def request(server: str, workload: str, rng: random.Random, city: City) -> tuple[str, bytes]:
    """(path, body) of a POST, with variables drawn anew; the same state of ``rng`` asks every server for the same."""
    drawn = _drawn(workload, rng, city)
    mark = f"{rng.getrandbits(64):016x}"
    if server in _LIMITS:
        return _ROUTES[workload], orjson.dumps(drawn)
    name = f"{workload}_{mark}" if city.unique else f"{workload}_{city.seed}_{city.round}"
    text = _TEXTS[server if server in _TEXTS else "peer"](workload).replace("NAME", name)
    for marked, items in (("ITEMS", ITEMS), ("COMPANY", COMPANY_ITEMS), ("REPRESENTATIVE", REPRESENTATIVE_ITEMS)):
        text = text.replace(f"<{marked}>", " ".join(_turned(items, city, workload + marked)))
    return "/graphql", orjson.dumps({"query": text, "variables": _cursors(workload, drawn) if server == "postgraphile" else drawn})


def normal(server: str, workload: str, body: bytes) -> object:
    """What an answer says, the same of all servers that say the same.

    Raises:
        ValueError: it is no answer but an error.
    """
    answer = json.loads(body)
    if workload == "W5":
        return _named(answer["data"] if server not in _LIMITS else answer)
    if server in _LIMITS:
        return answer
    if answer.get("errors") or answer.get("data") is None:
        raise ValueError(f"{server} answers {workload} with errors: {body[:500]!r}")
    found = answer["data"]
    if server == HUB:
        found = next(iter(found.values()))
    found = next(iter(found.values()))
    return found["nodes"] if isinstance(found, dict) and "nodes" in found else found


def _named(answer: Mapping[str, Any]) -> str:
    if answer != {"__typename": "Query"}:
        raise ValueError(f"not the name of the root type: {answer}")
    return "Query"


def _drawn(workload: str, rng: random.Random, city: City) -> dict[str, Any]:
    if workload == "W1":
        return {"idNumber": city.id_number(rng.randint(1, city.persons))}
    if workload == "verify":
        n = rng.randint(1, city.persons)
        return {"idNumber": city.id_number(n), "name": city.name(n if rng.random() < 0.5 else rng.randint(1, city.persons))}
    if workload == "W5":
        return {}
    rows = city.companies if workload == "W4" else city.persons
    count = COUNTS[workload]
    drawn = {"place": rng.randrange(max(1, rows - _SCARCE[workload] * count)), "count": count}
    return {"status": rng.choice(_STATUSES), **drawn} if workload == "W4" else {"gender": rng.choice(_GENDERS), **drawn}


def _turned(items: tuple[str, ...], city: City, what: str) -> list[str]:
    """The items in an order of the round."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{city.seed} {city.round} {what} {item}".encode()).digest())


def _hub(workload: str) -> str:
    lists = "query NAME($gender: String!, $place: BigInt!, $count: Int!) "
    lists += "{ register { persons(where: {gender: {eq: $gender}, recordNo: {gt: $place}}, first: $count) { nodes { <ITEMS> } } } }"
    companies = "query NAME($status: String!, $place: BigInt!, $count: Int!) { market { companies(where: {status: {eq: $status}, recordNo: {gt: $place}}, "
    companies += "first: $count) { nodes { <COMPANY> legalRep { <REPRESENTATIVE> } } } } }"
    verify = "query NAME($idNumber: String!, $name: String!) "
    verify += "{ register { verifyPerson(subject: {idNumber: $idNumber}, claims: {name: $name}) { outcome claims { item outcome } } } }"
    return {
        "W1": "query NAME($idNumber: String!) { register { person(idNumber: $idNumber) { <ITEMS> } } }",
        "W2": lists,
        "W3": lists,
        "W4": companies,
        "W5": "query NAME { __typename }",
        "verify": verify,
    }[workload]


def _peer(workload: str) -> str:
    lists = "query NAME($gender: String!, $place: Int!, $count: Int!) { persons(gender: $gender, place: $place, count: $count) { <ITEMS> } }"
    companies = "query NAME($status: String!, $place: Int!, $count: Int!) "
    companies += "{ companies(status: $status, place: $place, count: $count) { <COMPANY> legalRep { <REPRESENTATIVE> } } }"
    return {
        "W1": "query NAME($idNumber: String!) { person(idNumber: $idNumber) { <ITEMS> } }",
        "W2": lists,
        "W3": lists,
        "W4": companies,
        "W5": "query NAME { __typename }",
    }[workload]


def _postgraphile(workload: str) -> str:
    lists = "query NAME($gender: String!, $after: Cursor!, $count: Int!) "
    lists += "{ allPeople(condition: {gender: $gender}, orderBy: [PRIMARY_KEY_ASC], after: $after, first: $count) { nodes { <ITEMS> } } }"
    companies = (
        "query NAME($status: String!, $after: Cursor!, $count: Int!) { allCompanies(condition: {status: $status}, orderBy: [PRIMARY_KEY_ASC], after: $after, "
    )
    companies += "first: $count) { nodes { <COMPANY> legalRep: personByLegalRepIdNumber { <REPRESENTATIVE> } } } }"
    return {
        "W1": "query NAME($idNumber: String!) { personByIdNumber(idNumber: $idNumber) { <ITEMS> } }",
        "W2": lists,
        "W3": lists,
        "W4": companies,
        "W5": "query NAME { __typename }",
    }[workload]


_TEXTS = {HUB: _hub, "peer": _peer, "postgraphile": _postgraphile}


def _cursors(workload: str, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """PostGraphile's lists begin behind a cursor: the digest of the order, by which it knows its own cursors, and the last row's key."""
    if "place" not in drawn:
        return dict(drawn)
    table = "company" if workload == "W4" else "person"
    digest = hashlib.sha256(json.dumps([f'__{table}__."id"'], separators=(",", ":")).encode()).hexdigest()[:10]
    cursor = base64.b64encode(orjson.dumps([digest, str(drawn["place"])])).decode()
    return {**{name: value for name, value in drawn.items() if name != "place"}, "after": cursor}
