"""The application of a department that it did not know when it was started."""

from __future__ import annotations

import pytest

from tests.acceptance.transport import grant_input, granted, manifest, published, registered, write_permits
from tests.hub.running import RunningHub


@pytest.fixture(scope="session")
def carrier(hub: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An application that may use all of the new department's resource."""
    assert "transport" not in hub.http("GET", "/graphql/schema.graphql", headers=hub.headers("civil_affairs_own")).text
    database = tmp_path_factory.mktemp("transport") / "permits.db"
    write_permits(database)
    published(hub, manifest("transport", 1, f"sqlite+aiosqlite:///{database}"))
    registered(hub, "carrier")
    granted(hub, grant_input("carrier", "transport.permit"))
    return "carrier"
