"""A server of the whole session is started once for each worker that needs it, so the tests that need it go to one."""

from __future__ import annotations

import pytest

from tests.scheduling import together

SHARED = ("hub", "demonstration")


def _shared(item: pytest.Item) -> bool:
    """Whether a test needs one of them, and not a fixture of its own file that is called the same."""
    if not isinstance(item, pytest.Function):
        return False
    known = item._fixtureinfo.name2fixturedefs
    return any(name in known and known[name][-1].scope == "session" for name in SHARED)


@pytest.mark.slow
def test_tests_of_a_shared_server_name_their_group(request: pytest.FixtureRequest) -> None:
    """Of all tests of this run: ``pytest.mark.xdist_group("hub")`` stands in the file."""
    files = {item.nodeid.partition("::")[0] for item in request.session.items if _shared(item)}
    assert sorted(file for file in files if together(file) == file) == []


@pytest.mark.slow
def test_a_shared_server_has_one_definition(request: pytest.FixtureRequest) -> None:
    """Each definition would start a server of its own, also one that a conftest only imports."""
    places: dict[str, set[str]] = {name: set() for name in ("hub", "demonstration", "postgres", "mariadb")}
    for item in request.session.items:
        known = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
        for name in places.keys() & known.keys():
            places[name] |= {each.baseid for each in known[name] if each.scope == "session"}
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
