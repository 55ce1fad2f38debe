"""Drafts of PostgreSQL databases, with the rights of an account that may not read everything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from connectors.errors import SourceUnavailable
from hub.catalog.draft.writing import GUESS
from hub.core import Core
from tests.catalog.drafts import drafted, items, left_out, links, resources
from tests.catalog.exercise import exercise
from tests.catalog.homes import publish
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
SCRIPT = Path(__file__).with_name("nasty_postgres.sql").read_text("utf-8")


async def connected(postgres: Postgres, database: str = "postgres") -> Any:
    return await asyncpg.connect(postgres.url(database).replace("+asyncpg", ""))


@pytest.fixture
async def nasty(postgres: Postgres) -> str:
    """The URL of the nasty database, as an account that may not read all of it."""
    database = f"n{uuid4().hex}"
    server = await connected(postgres)
    await server.execute("DO $$ BEGIN CREATE ROLE nasty_reader LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
    await server.execute(f"CREATE DATABASE {database}")
    await server.close()
    owner = await connected(postgres, database)
    await owner.execute(SCRIPT)
    await owner.close()
    return postgres.url(database).replace(f"//{postgres.user}@", "//nasty_reader@")


async def test_a_draft_is_imported_without_an_edit_and_every_resource_answers(core: Core, nasty: str) -> None:
    made = await drafted(nasty)
    assert made.problems == []
    publish(core, made.text)
    tried = await exercise(core)
    assert tried.faults == []
    assert (tried.lists, tried.links, tried.followed) == (6, 2, 3)
    assert tried.look_ups == 7
    assert tried.rows == 17


async def test_what_may_not_be_read_is_named(nasty: str) -> None:
    made = await drafted(nasty)
    found = left_out(made)
    assert "no USAGE on schema closed" in found["closed.t"]
    assert "may not SELECT" in found["public.hidden"]
    assert "cannot be read" in found["public.without_right"]
    assert "several columns: id, on_day" in found["public.parted"]
    assert "public.parted_2020" not in found
    assert list(items(resources(made)["public.half_hidden"])) == ["id", "shown"]


async def test_every_type_has_a_kind_or_is_left_out(nasty: str) -> None:
    resource = resources(await drafted(nasty))["public.every_type"]
    assert {name: item.type for name, item in items(resource).items()} == {
        "id": "string",
        "s2": "integer",
        "i4": "integer",
        "i8": "bigint",
        "f4": "float",
        "f8": "float",
        "n": "decimal",
        "n2": "decimal",
        "n0": "bigint",
        "am": "bigint",
        "b": "boolean",
        "d": "date",
        "ts": "datetime",
        "tz": "datetime",
        "tm": "string",
        "ttz": "string",
        "t": "string",
        "vc": "string",
        "ch": "string",
        "nm": "string",
        "co": "string",
        "m": "string",
        "ip": "string",
        "ci": "string",
        "ma": "string",
        "g": "integer",
    }
    assert resource.left_out == ("iv", "j", "jb", "by", "ia", "ta", "mo", "x", "bi", "pt", "r", "v")
    assert [name for name, item in items(resource).items() if item.filterable] == ["id", "i8", "n2", "b", "ts", "ch", "m"]
    assert not items(resource)["co"].nullable


async def test_comments_become_names_and_descriptions(nasty: str) -> None:
    resource = resources(await drafted(nasty))['public."用户 信息"']
    assert (resource.name, resource.description) == ("用户登记表", '用户登记表：本局登记的 "用户" 全量')
    found = items(resource)
    assert (found["Where"].name_en, found["电话"].name, found["电话"].description) == ("Where the user lives now", "联系电话", "联系电话（含区号）")
    assert (found["身份证号"].validator, found["电话"].validator) == ("resident_id", "mobile")
    assert resource.left_out == ("token",)


async def test_ends_of_different_width_become_alike(nasty: str) -> None:
    """``integer`` and ``bigint`` are linked as ``bigint``."""
    made = resources(await drafted(nasty))
    resource = made['public."用户 信息"']
    assert links(resource) == {"parent": "archive.user_info.id"}
    assert (items(resource)["编号"].type, items(resource)["parent"].type) == ("bigint", "bigint")
    assert links(made['"other schema".every_type']) == {"ref": f"archive.{made['public.every_type'].code}.id"}


async def test_tables_of_one_name_in_two_schemas_are_told_apart(nasty: str) -> None:
    made = resources(await drafted(nasty))
    assert made['"other schema".every_type'].code == "every_type"
    assert made["public.every_type"].code == "public_every_type"


async def test_unique_indexes_and_sampled_views_have_keys(nasty: str) -> None:
    made = resources(await drafted(nasty))
    assert made["public.included"].stable_key == "id"
    assert made["public.days"].stable_key == "day_no"


async def test_wrong_credentials_are_told_apart_from_an_empty_database(postgres: Postgres) -> None:
    with pytest.raises(SourceUnavailable, match="does not admit"):
        await drafted(postgres.url("nowhere"))


async def test_keys_of_a_table_that_others_inherit_from_are_no_promise(core: Core, postgres: Postgres) -> None:
    database = f"n{uuid4().hex}"
    server = await connected(postgres)
    await server.execute(f"CREATE DATABASE {database}")
    await server.close()
    owner = await connected(postgres, database)
    await owner.execute(
        "CREATE TABLE payment (payment_id int PRIMARY KEY, amount numeric); CREATE TABLE payment_2007 () INHERITS (payment);"
        "CREATE TABLE doubled (id int PRIMARY KEY); CREATE TABLE doubled_2007 () INHERITS (doubled);"
        "INSERT INTO payment VALUES (1, 1.5); INSERT INTO payment_2007 VALUES (2, 2.5), (3, 3.5);"
        "INSERT INTO doubled VALUES (1), (2); INSERT INTO doubled_2007 VALUES (1)"
    )
    await owner.close()
    made = await drafted(postgres.url(database))
    assert {name: each.stable_key for name, each in resources(made).items()} == {"public.payment": "payment_id"}
    assert re.search(rf'^stable_key = "payment_id"  # {GUESS}: .* in a sample of 3；.*tables inherit from it', made.text, re.MULTILINE)
    assert "other tables inherit from it" in left_out(made)["public.doubled"]
    publish(core, made.text)
    tried = await exercise(core)
    assert (tried.faults, tried.rows) == ([], 3)
