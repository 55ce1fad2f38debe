"""A county's hub with a register of its own, and a city's hub that has the county's as a source: manifests, applications, grants."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from stdnum.cn import uscc

from tests.acceptance.transport import granted, published, registered
from tests.connectors.people import KINDS, NAMES, PEOPLE, write_sqlite
from tests.hub.running import RunningHub

PURPOSE = "permit-check"
RESIDENTS = 60
_HEAD = """
[department]
code = "{code}"
name = "{code}"
uscc = "{uscc}"
tier = "{tier}"
"""
_SOURCE = """
[[sources]]
code = "{code}"
kind = "{kind}"
url = "{url}"
{more}
"""
_RESOURCE = """
[[resources]]
code = "{code}"
plural = "{plural}"
name = "{code}"
description = "{code}"
classification = "30702601"
level = "INTERNAL"
sharing_class = "CONDITIONAL"
legal_basis = ["政务数据共享条例第二十四条"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY", "VERIFY", "EXCHANGE"]
service_methods = ["INTERFACE", "FILE"]
source = "{source}"
identifiers = ["{key}"]
stable_key = "{stable}"
{binding}
"""
_ITEM = """
[[resources.items]]
code = "{code}"
name = "{code}"
type = "{type}"
column = "{column}"
filterable = {filterable}
"""
_LINK = """
[[resources.links]]
field = "{field}"
item = "{item}"
to = "{to}"
"""

RESIDENT = {"resident_no": "bigint", "id_number": "string", "name": "string", "phone": "string", "district": "string", "household_no": "string"}
HOUSEHOLD = {"household_no": "string", "address": "string"}
CLAIM = {"claim_no": "integer", "id_number": "string", "amount": "decimal"}
KIT = {name: kind.value for name, kind in KINDS.items()}


def camel(code: str) -> str:
    """An item as the other hub's GraphQL calls it."""
    first, *rest = code.split("_")
    return first + "".join(part.capitalize() for part in rest)


def head(code: str, number: int, tier: str) -> str:
    """The department; ``number`` makes its credit code."""
    base = f"1152010000939{number:04d}"
    return _HEAD.format(code=code, uscc=base + uscc.calc_check_digit(base), tier=tier)


def resource(code: str, source: str, items: Mapping[str, str], key: str, *, remote: str | None = None, stable: str | None = None, hidden: str = "") -> str:
    """A resource of a table of its own name, or of another hub's list ``remote``. All items but ``hidden`` may be filtered by."""
    name = camel if remote else str
    binding = f'remote = {{field = "{remote}"}}' if remote else f'object = "{code}"'
    stable = stable or next(iter(items))
    made = _RESOURCE.format(code=code, plural=f"{code}s", source=source, key=key, stable=name(stable), binding=binding)
    return made + "".join(_ITEM.format(code=item, type=kind, column=name(item), filterable=str(item != hidden).lower()) for item, kind in items.items())


def link(field: str, item: str, to: str) -> str:
    """A link from the resource before."""
    return _LINK.format(field=field, item=item, to=to)


def county_manifest(directory: Path, city: str) -> str:
    """The county's department; one of its resources comes from the city again."""
    sources = _SOURCE.format(code="register", kind="sql", url=f"sqlite+aiosqlite:///{directory}/county.db", more="")
    sources += _SOURCE.format(code="kit", kind="sql", url=f"sqlite+aiosqlite:///{directory}/kit.db", more="")
    sources += _SOURCE.format(code="city", kind="graphql", url=f"{city}/graphql", more=_oauth("city"))
    return (
        head("nanming", 701, "county")
        + sources
        + resource("resident", "register", RESIDENT, "id_number")
        + link("household", "household_no", "nanming.household.household_no")
        + resource("household", "register", HOUSEHOLD, "household_no", hidden="household_no")
        + resource("person", "kit", KIT, "record_no", stable="record_no")
        + resource("echo", "city", HOUSEHOLD, "household_no", remote="benefits.echos")
    )


def city_manifest(directory: Path, county: str) -> str:
    """The city's department: claims of its own, and the county's people by the county's hub."""
    sources = _SOURCE.format(code="register", kind="sql", url=f"sqlite+aiosqlite:///{directory}/city.db", more="")
    sources += _SOURCE.format(code="county", kind="graphql", url=f"{county}/graphql", more=_oauth("county"))
    return (
        head("benefits", 702, "city")
        + sources
        + resource("claim", "register", CLAIM, "id_number")
        + link("resident", "id_number", "benefits.resident.id_number")
        + resource("resident", "county", RESIDENT, "id_number", remote="nanming.residents")
        + link("household", "household_no", "benefits.household.household_no")
        + resource("household", "county", HOUSEHOLD, "household_no", remote="nanming.households")
        + resource("person", "county", KIT, "record_no", remote="nanming.persons", stable="record_no")
        + resource("echo", "county", HOUSEHOLD, "household_no", remote="nanming.echos")
    )


def _oauth(name: str) -> str:
    return f'auth = "oauth"\nsecret = "file:SECRETS/{name}"'


def write(directory: Path) -> None:
    """The databases of both departments."""
    with closing(sqlite3.connect(directory / "county.db")) as connection, connection:
        connection.execute("CREATE TABLE resident (resident_no INTEGER PRIMARY KEY, id_number TEXT, name TEXT, phone TEXT, district TEXT, household_no TEXT)")
        connection.execute("CREATE TABLE household (household_no TEXT PRIMARY KEY, address TEXT)")
        people = [(n, f"ID{n:04d}", f"人·{n}", f"139{n:08d}", "520102" if n % 3 else "520103", f"H{n // 3}") for n in range(RESIDENTS)]
        connection.executemany("INSERT INTO resident VALUES (?, ?, ?, ?, ?, ?)", people)
        connection.executemany("INSERT INTO household VALUES (?, ?)", [(f"H{n}", f"中山路{n}号") for n in range(RESIDENTS // 3)])
    write_sqlite(directory / "kit.db")
    with closing(sqlite3.connect(directory / "city.db")) as connection, connection:
        connection.execute("CREATE TABLE claim (claim_no INTEGER PRIMARY KEY, id_number TEXT, amount TEXT)")
        connection.executemany("INSERT INTO claim VALUES (?, ?, ?)", [(n, f"ID{n:04d}" if n % 10 else f"XX{n}", f"{n}.50") for n in range(1, 41)])


def grant(hub: RunningHub, application: str, resource_: str, items: Mapping[str, str], keys: tuple[str, ...], masked: str = "") -> str:
    """Everything in clear but ``masked``; the grant's id."""
    shown = [{"code": code, "value": "MASKED" if code == masked else "CLEAR", "key": code in keys} for code in items]
    if masked:
        next(each for each in shown if each["code"] == masked)["mask"] = "KEEP_FIRST_3_LAST_4"
    terms: dict[str, Any] = {"application": application, "resource": resource_, "operations": ["QUERY", "VERIFY", "EXCHANGE"], "items": shown}
    purposes = [{"code": PURPOSE, "scenario": "补助审核", "basis": "条例"}]
    return granted(hub, terms | {"purposes": purposes, "perClaim": True, "approver": "处长"})


def admit(hub: RunningHub, other: RunningHub, name: str, there: str) -> None:
    """An application of ``other`` in this hub; its secret lies where ``other``'s source ``there`` looks for it."""
    registered(hub, name, purpose=PURPOSE)
    app = hub.applications[name]
    secrets = other.home / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(secrets / there, os.O_CREAT | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{app['client_id']}:{app['client_secret']}")


def federate(county: RunningHub, city: RunningHub, directory: Path) -> str:
    """Both hubs know each other; the id of the county's grant of residents."""
    write(directory)
    admit(county, city, "city", "county")
    admit(city, county, "county", "city")
    published(county, county_manifest(directory, city.base).replace("SECRETS", str(county.home / "secrets")))
    published(city, city_manifest(directory, county.base).replace("SECRETS", str(city.home / "secrets")))
    registered(city, "desk", purpose=PURPOSE)
    held = grant(county, "city", "nanming.resident", RESIDENT, ("id_number", "household_no"), masked="phone")
    grant(county, "city", "nanming.household", HOUSEHOLD, ("household_no",))
    for hub, application, department in ((county, "city", "nanming"), (city, "desk", "benefits"), (city, "county", "benefits")):
        grant(hub, application, f"{department}.echo", HOUSEHOLD, ("household_no",))
    grant(county, "city", "nanming.person", KIT, ("record_no",))
    grant(city, "desk", "benefits.person", KIT, ("record_no",))
    grant(city, "desk", "benefits.claim", CLAIM, ("id_number",))
    grant(city, "desk", "benefits.resident", RESIDENT, ("id_number", "household_no"))
    grant(city, "desk", "benefits.household", HOUSEHOLD, ("household_no",))
    return held


def entries(hub: RunningHub, application: str) -> list[dict[str, Any]]:
    """What the ledger says of an application's calls, oldest first."""
    known = hub.applications[application]["client_id"]
    with closing(sqlite3.connect(f"file:{hub.home}/control.db?mode=ro", uri=True)) as connection:
        table = next(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%entry'"))
        found = connection.execute(f"SELECT canonical FROM {table} WHERE application = ? AND operation IS NOT 'oauth.token' ORDER BY seq", (known,)).fetchall()
    return [orjson.loads(row[0]) for row in found]


KIT_ROWS = [
    {
        camel(name): str(value) if KIT[name] == "bigint" and value is not None and abs(int(value)) > 2**53 else value
        for name, value in zip(NAMES, row, strict=True)
    }
    for row in PEOPLE
]
"""The kit's people as a hub answers them."""
