"""A department that no one knew at build time: its rows, its manifest, and its way through the governance endpoint."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from stdnum.cn import uscc

from tests.hub.running import RunningHub

IMPORT = "mutation ($text: String!) { importManifest(input: {text: $text}) { manifest { id state resources } problems { path line code message hint } } }"
REVIEW = 'mutation ($id: ID!, $ok: Boolean!) { reviewCatalog(input: {id: $id, approve: $ok, opinion: "查"}) { manifest { state } problems { code } } }'
PUBLISH = "mutation ($id: ID!) { publishCatalog(input: {id: $id}) { publication { number } problems { code } } }"
CREATE_APPLICATION = """mutation ($input: CreateApplicationInput!) { createApplication(input: $input) {
    application { name clientId clientSecret } problems { path code message hint } } }"""
CREATE_GRANT = "mutation ($input: CreateGrantInput!) { createGrant(input: $input) { grant { id state } problems { path code message hint } } }"

FIELDS = "permitNo plate fee active weightG load axles issuedOn seenAt district division { fullName }"
LIST = f"query ($where: TransportPermitWhere) {{ transport {{ permits(where: $where) {{ totalCount nodes {{ {FIELDS} }} }} }} }}"
START = """mutation ($document: String!, $format: ExchangeFormat!, $key: String!) {
    startExchange(input: {document: $document, format: $format, idempotencyKey: $key}) { exchange { id } } }"""

PERMITS: tuple[tuple[Any, ...], ...] = (
    (1, "P-1", "黔A·D0001", "1234567890123456789.0001", 1, 2**53 + 1, 1.5, 3, "2026-01-31", "2026-01-31T08:30:00+00:00", "520102"),
    (2, "P-2", None, "0.10", 0, -(2**63), -0.25, -7, "1949-10-01", "2026-11-22T00:00:00.123456+00:00", "520103"),
    (3, "P-3", "=1+1", None, None, None, None, None, None, None, None),
    (4, "P-4", "黔A·\"'\\,\n换行", "-5.00", 1, 2**63 - 1, 1e300, 2**31 - 1, "9998-12-31", "1999-12-31T16:00:00+00:00", "520102"),
)
COLUMNS = ["permit_id", "permit_no", "plate", "fee", "active", "weight_g", "load", "axles", "issued_on", "seen_at", "district"]

_RESOURCE = """
[department]
code = "{code}"
name = "市{code}局"
name_en = "{code} bureau"
uscc = "{uscc}"

[[sources]]
code = "register"
kind = "sql"
url = "{url}"

[[resources]]
code = "permit"
plural = "permits"
name = "道路运输证"
name_en = "Road transport permits"
description = "道路运输证的信息"
classification = "30702601"
level = "INTERNAL"
cohort = 1
sharing_class = "{sharing_class}"
legal_basis = ["道路运输条例第二十四条"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY", "VERIFY", "EXCHANGE"]
service_methods = ["INTERFACE", "FILE"]
source = "register"
object = "permit"
identifiers = ["permit_no"]
stable_key = "permit_id"

[[resources.links]]
field = "division"
item = "district"
to = "city_data.division.code"
"""
_ITEM = """
[[resources.items]]
code = "{code}"
name = "{code}"
type = "{type}"
column = "{code}"
filterable = {filterable}
nullable = {nullable}
{more}
"""
_TYPES = {
    "permit_no": "string",
    "plate": "string",
    "fee": "decimal",
    "active": "boolean",
    "weight_g": "bigint",
    "load": "float",
    "axles": "integer",
    "issued_on": "date",
    "seen_at": "datetime",
    "district": "string",
}


def write_permits(path: Path) -> None:
    """The department's database."""
    with closing(sqlite3.connect(path)) as connection:
        types = "INTEGER PRIMARY KEY, permit_no TEXT, plate TEXT, fee TEXT, active BOOLEAN, weight_g BIGINT, load FLOAT, axles INTEGER"
        connection.execute(f"CREATE TABLE permit (permit_id {types}, issued_on DATE, seen_at DATETIME, district TEXT)")
        connection.executemany(f"INSERT INTO permit VALUES ({', '.join('?' * len(COLUMNS))})", PERMITS)
        connection.commit()


def manifest(code: str, number: int, url: str, sharing_class: str = "CONDITIONAL") -> str:
    """The department's manifest. ``number`` (four digits) makes its credit code."""
    base = f"1152010000939{number:04d}"
    whole = base + uscc.calc_check_digit(base)
    head, links = _RESOURCE.split("\n[[resources.links]]")
    filled = head.format(code=code, uscc=whole, url=url, sharing_class=sharing_class)
    items = [
        _ITEM.format(
            code=item,
            type=kind,
            filterable=str(item != "permit_no").lower(),
            nullable=str(item != "permit_no").lower(),
            more='mask = {share = "KEEP_FIRST_1_LAST_1"}' if item == "plate" else "",
        )
        for item, kind in _TYPES.items()
    ]
    return f"{filled}{''.join(items)}\n[[resources.links]]{links}"


def published(hub: RunningHub, text: str) -> str:
    """Imports, reviews and publishes; the import's id."""
    made = hub.govern("steward", IMPORT, {"text": text}).data["importManifest"]
    assert made["problems"] == []
    identity = str(made["manifest"]["id"])
    assert hub.govern("security_admin", REVIEW, {"id": identity, "ok": True}).data["reviewCatalog"]["problems"] == []
    assert hub.govern("security_admin", PUBLISH, {"id": identity}).data["publishCatalog"]["problems"] == []
    return identity


def registered(hub: RunningHub, name: str, department: str = "housing", purpose: str = "permit-check", roles: tuple[str, ...] = ()) -> None:
    """An application of its own, known to the hub object afterwards."""
    purposes = [{"code": purpose, "scenario": "运输资格审核", "basis": "道路运输条例"}]
    given = {"name": name, "department": department, "purposes": purposes, "roles": list(roles)}
    made = hub.govern("system_admin", CREATE_APPLICATION, {"input": given}).data["createApplication"]
    assert made["problems"] == []
    found = made["application"]
    hub.applications[name] = {"client_id": found["clientId"], "client_secret": found["clientSecret"], "purposes": [purpose], "operator": "经办 甲"}


def grant_input(application: str, resource: str, **more: Any) -> dict[str, Any]:
    """Terms that show every item in clear."""
    return {
        "application": application,
        "resource": resource,
        "operations": ["QUERY", "VERIFY", "EXCHANGE"],
        "items": [{"code": code, "value": "CLEAR", "key": code in ("permit_no", "district")} for code in _TYPES],
        "purposes": [{"code": "permit-check", "scenario": "运输资格审核", "basis": "道路运输条例"}],
        "perClaim": True,
        "approver": "交通处 乙",
    } | more


def granted(hub: RunningHub, given: dict[str, Any]) -> str:
    """Creates the grant; its id."""
    made = hub.govern("security_admin", CREATE_GRANT, {"input": given}).data["createGrant"]
    assert made["problems"] == []
    return str(made["grant"]["id"])


def exchanged(hub: RunningHub, application: str, format_: str) -> bytes:
    """The file of all permits that an application gets."""
    document = f"{{ transport {{ permits {{ nodes {{ {FIELDS} }} }} }} }}"
    identity = hub.ask(application, START, {"document": document, "format": format_, "key": f"all-{format_}"}).data["startExchange"]["exchange"]["id"]
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        exchange = hub.ask(application, "query ($id: ID!) { exchange(id: $id) { state reason files { url } } }", {"id": identity}).data["exchange"]
        if exchange["state"] == "SUCCEEDED":
            return hub.http("GET", exchange["files"][0]["url"], headers=hub.headers(application)).content
        assert exchange["state"] in ("QUEUED", "RUNNING", "PAUSED"), exchange
        time.sleep(0.05)
    raise AssertionError("the exchange did not end")
