"""Exchanges rest on the rights to what they read: grants on other resources may begin and end meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from hub.sharing.tables import grant as grants
from tests.attacks.exchanges import ORDERED, SLICED, exchanges_in, expected, grant, manifest
from tests.catalog.homes import SECURITY, publish

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


def with_another(path: Path) -> str:
    """The register's manifest, with the same table as another resource."""
    whole = manifest(path)
    head, _, person = whole.partition("[[resources]]")
    other = person.replace('"person"', '"permit"', 1).replace('"persons"', '"permits"')
    return f"{head}[[resources]]{person}[[resources]]{other}"


@pytest.mark.parametrize("document", [SLICED, ORDERED], ids=["sliced", "ordered"])
async def test_another_grant_of_the_application_ends_no_exchange(tmp_path: Path, document: str) -> None:
    async with exchanges_in(tmp_path, turns=2) as world:
        publish(world.core, with_another(tmp_path / "register.db"))
        await world.hub.live.refresh()
        identity = await world.start(document)
        await world.done(identity, 2)
        other = world.core.sharing.create_grant(SECURITY, grant("taker", resource="civil_affairs.permit")).id
        await world.hub.live.refresh()
        world.turns.release()
        await world.done(identity, 3)
        world.core.sharing.change_grant(SECURITY, other, "SUSPENDED")
        await world.hub.live.refresh()
        for _ in range(20):
            world.turns.release()
        found = await world.until(identity, "SUCCEEDED", "FAILED")
        assert found["state"] == "SUCCEEDED", found
        assert sorted(await world.rows(identity), key=lambda row: int(row["serialNo"])) == expected()


async def test_the_same_grant_given_anew_is_another(tmp_path: Path) -> None:
    """Rows of two grants are never one exchange, though their terms are alike."""
    async with exchanges_in(tmp_path, turns=2) as world:
        identity = await world.start()
        await world.done(identity, 2)
        with world.core.engine.connect() as connection:
            held = str(connection.execute(select(grants.c.id).where(grants.c.application == world.secrets["taker"][0])).scalar_one())
        world.core.sharing.change_grant(SECURITY, held, "REVOKED")
        world.core.sharing.create_grant(SECURITY, grant("taker"))
        await world.hub.live.refresh()
        for _ in range(20):
            world.turns.release()
        found = await world.ended(identity)
        assert (found.state, (found.reason or "").split()[0], found.files) == ("FAILED", "FORBIDDEN", ())
