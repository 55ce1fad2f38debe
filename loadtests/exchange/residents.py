"""The register that is exchanged: residents of ten items in PostgreSQL, its manifest, and an application that sees four of them masked."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from hub.acts import Actor
from hub.catalog.scopes import CATALOG, SECURITY, SYSTEM
from hub.core import Core
from loadtests import city
from loadtests.comparison.hubs import publish
from loadtests.persons import PURPOSE

TYPES: Mapping[str, str] = {
    "record_no": "bigint",
    "id_number": "string",
    "name": "string",
    "gender": "string",
    "birth_date": "date",
    "phone": "string",
    "address": "string",
    "email": "string",
    "household_no": "string",
    "registered_at": "datetime",
}
MASKED: Mapping[str, str] = {"id_number": "ID_NUMBER_1_1", "name": "NAME", "phone": "KEEP_FIRST_3_LAST_4", "address": "ADDRESS_TO_DISTRICT"}
COLUMNS = tuple("id" if code == "record_no" else code for code in TYPES)
APPLICATION, ASKING = "masked", "clear"
"""Who takes the register, with items masked, and who looks residents up meanwhile."""
DOCUMENT = "{ register { residents { nodes { recordNo idNumber name gender birthDate phone address email householdNo registeredAt } } } }"
LOOK_UP = "query($id: String!) { register { resident(idNumber: $id) { name gender birthDate phone address email householdNo } } }"
SEED = 7
_CONSOLE = Actor("cli:bench", scopes=frozenset({SYSTEM, SECURITY, CATALOG}))
_REVIEWER = Actor("reviewer", scopes=frozenset({SECURITY}))
_MADE = """
CREATE TABLE resident AS SELECT id, id_number, name, gender, birth_date, phone, address, email, household_no,
    timestamptz '2020-01-01 00:00:00+00' + (id * 7919 % 189216000) * interval '1 second' AS registered_at FROM person ORDER BY id;
DROP TABLE company, person;
ALTER TABLE resident ADD PRIMARY KEY (id), ADD UNIQUE (id_number)
"""


def fill(url: str, rows: int) -> None:
    """Fills an empty database.

    Raises:
        psycopg.Error: it is not empty, or the server refuses.
    """
    city.fill(url, persons=rows, companies=1, seed=SEED)
    with psycopg.connect(url.replace("+asyncpg", ""), autocommit=True) as connection:
        for statement in _MADE.split(";"):
            connection.execute(statement)
        connection.execute("VACUUM ANALYZE resident")


def manifest(url: str, masks: str = "") -> str:
    """The register's manifest over the database. ``masks``: ``exchange_masks`` of its source, or nothing for its default."""
    lines = ["[department]", 'code = "register"', 'name = "登记局"', 'name_en = "Register"', 'uscc = "11520100009394392D"']
    lines += ["[[sources]]", 'code = "db"', 'kind = "sql"', f'url = "{url}"', *([f'exchange_masks = "{masks}"'] if masks else [])]
    lines += ["[[resources]]", 'code = "resident"', 'plural = "residents"', 'name = "居民信息"', 'name_en = "Residents"', 'description = "居民基本信息"']
    lines += ['classification = "307026"', 'level = "INTERNAL"', 'sharing_class = "CONDITIONAL"', 'legal_basis = ["政务数据共享条例"]', 'open_class = "CLOSED"']
    lines += ['update_cycle = "daily"', 'operations = ["QUERY", "EXCHANGE"]', 'service_methods = ["INTERFACE", "FILE"]', 'source = "db"']
    lines += ['object = "resident"', 'identifiers = ["id_number"]', 'stable_key = "id"', 'stable_key_type = "bigint"']
    for (code, type_), column in zip(TYPES.items(), COLUMNS, strict=True):
        lines += ["[[resources.items]]", f'code = "{code}"', f'name = "{code}"', f'type = "{type_}"', f'column = "{column}"']
    return "\n".join(lines) + "\n"


def grant(application: str, masks: Mapping[str, str]) -> dict[str, object]:
    """The input of a grant of the whole register, with these items masked."""
    shown = [{"code": code, "value": "MASKED", "mask": masks[code]} if code in masks else {"code": code, "value": "CLEAR"} for code in TYPES]
    made: dict[str, object] = {"application": application, "resource": "register.resident", "operations": ["QUERY", "EXCHANGE"], "items": shown}
    return {**made, "purposes": [PURPOSE], "max_page": 10_000, "approver": "bench"}


def stage(core: Core, url: str, masks: str = "") -> dict[str, tuple[str, str]]:
    """Puts the register into force and registers the applications; (client id, secret) by name."""
    publish(core, [manifest(url, masks)])
    secrets = {}
    for name, masked in ((APPLICATION, MASKED), (ASKING, {})):
        app = core.sharing.create_application(_CONSOLE, name, "register", [PURPOSE], [])
        secrets[name] = (app.client_id, app.client_secret)
        core.sharing.create_grant(_REVIEWER, grant(name, masked))
    return secrets
