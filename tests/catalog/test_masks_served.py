"""A declared rule as its callers meet it: masked by the database, told by code, recorded with its version, changed without a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import select

from hub.core import Core
from hub.ledger import tables
from tests.catalog.drafts import write
from tests.catalog.exercise import Caller, calling
from tests.catalog.homes import CONSOLE, publish
from tests.catalog.small import changed
from tests.sharing.terms import terms

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

NUMBER = "11010519491231002X"
LISTED = "{ civilAffairs { persons(first: 5) { nodes { idNumber } } } }"
RULE = '[[masks]]\ncode = "tail"\nname = "末位"\nalgorithm = "KEEP_FIRST_N_LAST_M"\nprops = {first-n = 0, last-m = 1}\nversion = 1\n\n[[resources]]'
SECOND = RULE.replace("first-n = 0, last-m = 1", "first-n = 1, last-m = 0").replace("version = 1", "version = 2\nfixed = true")


@pytest.fixture
def base(tmp_path: Path) -> str:
    """The small manifest over a database of one row."""
    url = write(tmp_path / "register.db", f"CREATE TABLE person (pk INTEGER PRIMARY KEY, id TEXT, born TEXT); INSERT INTO person VALUES (1, '{NUMBER}', NULL);")
    return changed('url = "postgresql+asyncpg://reader@db.example:5432/register"', f'url = "{url}"')


async def until(caller: Caller, wanted: str | None) -> dict[str, Any]:
    """The answer once the hub has followed the change: what is told of the item's mask is ``wanted``."""
    with anyio.fail_after(20):
        while True:
            answer = await caller.ask(LISTED)
            rows = ((answer.get("data") or {}).get("civilAffairs") or {}).get("persons", {}).get("nodes", [{}])
            if rows[0].get("idNumber") == wanted or (wanted is None and answer.get("errors")):
                return answer
            await anyio.sleep(0.1)


def recorded(core: Core) -> Any:
    """How the last call's entry names the item."""
    with core.engine.connect() as connection:
        written = [json.loads(row) for row in connection.execute(select(tables.entry.c.canonical).order_by(tables.entry.c.seq)).scalars()]
    return next(each["accesses"][0]["items"] for each in reversed(written) if each["kind"] == "call" and each.get("accesses"))


async def test_a_grants_rule_is_told_by_code_and_recorded_with_its_version(core: Core, base: str) -> None:
    publish(core, changed("[[resources]]", RULE, base))
    async with calling(core) as caller:
        core.sharing.change_grant(CONSOLE, core.sharing.grants()[0].id, "REVOKED")
        items = [{"code": "id_number", "value": "MASKED", "key": True, "mask": "tail"}]
        purposes = [{"code": "trial", "scenario": "试用", "basis": "条例第十条"}]
        core.sharing.create_grant(CONSOLE, terms(application="trial", items=items, rows=None, purposes=purposes, quota=None, documents=[]))
        first = await until(caller, "*" * 17 + "X")
        assert first["extensions"]["masking"] == {"civilAffairs.persons.nodes.idNumber": "tail"}
        assert recorded(core) == [{"code": "id_number", "shown": "masked", "mask": "tail@1"}]
        publish(core, changed("[[resources]]", SECOND, base))
        second = await until(caller, "1******")
        assert second["extensions"]["masking"] == first["extensions"]["masking"]
        assert recorded(core) == [{"code": "id_number", "shown": "masked", "mask": "tail@2"}]
        publish(core, base)
        gone = await until(caller, None)
        assert [error["extensions"]["code"] for error in gone["errors"]] == ["INVALID_DOCUMENT"], "withheld, the item is not there"
