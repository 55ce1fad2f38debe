"""Lists of cases by state: one that does not exist is a mistake of the caller's, not a list of nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hub.sharing.machine import COMPLAINT, DISPOSAL, FEEDBACK, GRANT, REQUEST, Machine
from tests.feedback.world import World, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
LISTS: tuple[tuple[str, str, tuple[Machine, ...]], ...] = (
    ("tenants", "accessRequests", (REQUEST,)),
    ("tenants", "disposals", (DISPOSAL,)),
    ("tenants", "feedbacks", (FEEDBACK, COMPLAINT)),
    ("authority", "accessRequests", (REQUEST,)),
    ("authority", "grants", (GRANT,)),
    ("authority", "disposals", (DISPOSAL,)),
    ("authority", "feedbacks", (FEEDBACK, COMPLAINT)),
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for all tests of the file: they share the hub."""
    return "asyncio"


@pytest.fixture(scope="module")
async def world(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The hub with its people."""
    async with world_in(tmp_path_factory.mktemp("lists")) as made:
        yield made


@pytest.mark.parametrize(("who", "field", "machines"), LISTS)
async def test_a_state_that_does_not_exist_is_told_with_those_that_do(world: World, who: str, field: str, machines: tuple[Machine, ...]) -> None:
    document = f"query ($s: String) {{ {field}(state: $s) {{ __typename }} }}"
    for wrong in ("NOPE", "", machines[0].initial.lower()):
        (error,) = (await world.ask(who, document, s=wrong))["errors"]
        assert error["extensions"]["code"] == "BAD_INPUT"
        assert all(state in error["extensions"]["hint"] for machine in machines for state in machine.states), error
    for known in (None, *(state for machine in machines for state in machine.states)):
        assert "errors" not in await world.ask(who, document, s=known)
