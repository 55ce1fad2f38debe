"""A call whose entry cannot be written as a whole fails with an answer and an entry, and releases nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from hub.sharing.tables import grant
from tests.verification.world import NAME, NOTE, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


async def test_rights_that_no_entry_can_hold_release_nothing_and_leave_an_entry(tmp_path: Path) -> None:
    """As a grant of before may have them, whose approver nobody had bounded."""
    async with world_in(tmp_path) as world:
        app = world.application("housing")
        with world.core.engine.begin() as connection:
            connection.execute(update(grant).values(approver="王" * 300))
        before = len(world.entries())
        asked = await world.ask(app, "{ civilAffairs { persons(first: 5) { nodes { name } } } }")
        assert (asked.status, asked.code) == (500, "INTERNAL")
        assert asked.json.get("data") is None
        assert not [secret for secret in (NAME, NOTE) if secret.encode() in asked.body]
        (entry,) = [each.content for each in world.entries(before - 1) if each.content.kind != "admin"]
        assert (entry.kind, entry.outcome, entry.code, entry.accesses) == ("deny", "FAILED", "INTERNAL", ())
        assert asked.json["errors"][0]["extensions"]["call"] == entry.call
