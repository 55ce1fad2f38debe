"""A hub that cannot check rights tells nothing of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from unittest.mock import PropertyMock, patch

import pytest

from hub.live import Live
from tests.attacks.world import World, world_in

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the hub does."""
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[World]:
    """A running hub in this process."""
    async with world_in(tmp_path_factory.mktemp("closed")) as made:
        yield made


async def test_nothing_is_told_of_tokens_and_none_is_issued_while_rights_cannot_be_checked(world: World) -> None:
    token = await world.token()
    form = {"token": token}
    assert (await world.post("/oauth/introspect", form, world.basic("housing"))).json()["active"]
    with patch.object(Live, "stale", new_callable=PropertyMock, return_value=True):
        told = await world.post("/oauth/introspect", form, world.basic("housing"))
        assert (told.status_code, told.json()["error"], told.headers["retry-after"]) == (503, "temporarily_unavailable", "1")
        assert told.headers["cache-control"] == "no-store"
        assert (await world.grant()).status_code == 503
        assert (await world.ask(f"Bearer {token}")).status_code == 503
        schemas = ("/graphql/schema.graphql", "/governance/graphql/schema.graphql")
        for path in (*schemas, "/exchanges/x/events", "/exchanges/x/manifest.json", "/ledger/proof/0", "/console/person"):
            assert (await world.http.get(path, headers={"authorization": f"Bearer {token}"})).status_code == 503, path
        # A token is taken back all the same.
        assert (await world.post("/oauth/revoke", form, world.basic("housing"))).status_code == 200
    assert (await world.post("/oauth/introspect", form, world.basic("housing"))).json() == {"active": False}


@pytest.mark.parametrize("path", ["/exchanges/%00/manifest.json", "/ledger/proof/%00", "/oauth/authorize?client_id=%00", "/%00"])
async def test_an_address_with_nul_is_a_bad_request(world: World, path: str) -> None:
    found = await world.http.get(path, headers={"authorization": f"Bearer {await world.token()}"})
    assert (found.status_code, found.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
