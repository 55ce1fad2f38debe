"""Drafts of MariaDB databases."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from hub.catalog.drift import find_drift
from hub.core import Core
from tests.catalog.drafts import drafted, items, left_out, links, resources
from tests.catalog.exercise import exercise
from tests.catalog.homes import publish
from tests.connectors.stands.mariadb import execute
from tests.servers.mariadb import Mariadb

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
SCRIPT = Path(__file__).with_name("nasty_mariadb.sql").read_text("utf-8")


@pytest.fixture
async def nasty(mariadb: Mariadb) -> str:
    """The URL of the nasty database."""
    database = f"n{uuid4().hex}"
    await execute(mariadb, f"CREATE DATABASE {database}")
    await execute(mariadb, *SCRIPT.removesuffix("\n").removesuffix(";").split(";\n"), database=database)
    return mariadb.url(database)


async def test_a_draft_is_imported_without_an_edit_and_every_resource_answers(core: Core, nasty: str) -> None:
    made = await drafted(nasty)
    assert made.problems == []
    publish(core, made.text)
    tried = await exercise(core)
    assert tried.faults == []
    assert (tried.lists, tried.rows, tried.links, tried.followed) == (4, 8, 1, 2)
    assert tried.look_ups == 5


async def test_types_and_keys(nasty: str) -> None:
    made = await drafted(nasty)
    resource = resources(made)["every_type"]
    assert (resource.stable_key, resource.identifiers) == ("code", ("code",))
    assert {name: item.type for name, item in items(resource).items()} == {
        "id": "decimal",
        "code": "string",
        "t1": "integer",
        "yes": "boolean",
        "s": "integer",
        "m": "integer",
        "i": "integer",
        "b": "bigint",
        "n": "decimal",
        "n0": "bigint",
        "f": "float",
        "d": "float",
        "y": "integer",
        "da": "date",
        "dt": "datetime",
        "ts": "datetime",
        "tm": "string",
        "c": "string",
        "v": "string",
        "tx": "string",
        "e": "string",
        "st": "string",
        "calc": "integer",
    }
    assert resource.left_out == ("bi", "bn", "bl", "g")
    assert not items(resource)["tm"].filterable


async def test_comments_names_and_what_is_left_out(nasty: str) -> None:
    made = await drafted(nasty)
    person = resources(made)['"用户 信息"']
    assert (person.code, person.name, links(person)) == ("user_info", "用户登记表", {"parent": "archive.user_info.id"})
    assert (items(person)["手机"].name, items(person)["手机"].validator) == ("手机号码", "mobile")
    assert person.left_out == ("password",)
    missing = left_out(made)
    assert "several columns: a, b" in missing["composite"]
    assert "cannot be read" in missing["broken"]
    assert resources(made)["people"].stable_key == "id"


async def test_counters_without_sign_are_keys_and_so_is_what_refers_to_them(core: Core, mariadb: Mariadb) -> None:
    database = f"n{uuid4().hex}"
    await execute(mariadb, f"CREATE DATABASE {database}")
    await execute(
        mariadb,
        "CREATE TABLE users (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, email VARCHAR(60) NOT NULL UNIQUE, points BIGINT UNSIGNED)",
        "CREATE TABLE posts (ID BIGINT(20) UNSIGNED AUTO_INCREMENT PRIMARY KEY, user_id BIGINT UNSIGNED, FOREIGN KEY (user_id) REFERENCES users (id))",
        "INSERT INTO users (email, points) VALUES ('a@example.cn', 18446744073709551615), ('b@example.cn', 0)",
        "INSERT INTO posts (user_id) VALUES (1), (2), (2)",
        database=database,
    )
    made = await drafted(mariadb.url(database))
    found = resources(made)
    assert {name: each.stable_key for name, each in found.items()} == {"users": "id", "posts": "ID"}
    assert [(name, item.type) for each in found.values() for name, item in items(each).items()] == [
        ("ID", "bigint"), ("user_id", "bigint"), ("id", "bigint"), ("email", "string"), ("points", "decimal"),
    ]  # fmt: skip
    assert links(found["posts"]) == {"user_id": "archive.user.id"}
    publish(core, made.text)
    tried = await exercise(core)
    assert (tried.faults, tried.rows, tried.links) == ([], 5, 1)
    snapshot = core.catalog.current()
    assert (await find_drift(snapshot.sources, list(snapshot.resources.values()))).drifts == []
