"""One set of people behind every connector, and the notes from which the published conformance table is made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.connectors.conformance import note
from tests.connectors.people import PEOPLE
from tests.connectors.stands import stands
from tests.connectors.stands.stand import People, Stand


def _parameter(stand: Stand) -> object:
    return pytest.param(stand, id=stand.name, marks=pytest.mark.fast if stand.fast else pytest.mark.slow)


_STANDS = [_parameter(stand) for stand in stands()]


@pytest.fixture(scope="module", params=_STANDS)
async def _opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[People]:
    async with request.param.open(request, tmp_path_factory.mktemp("people"), PEOPLE) as opened:
        yield opened


@pytest.fixture
def people(request: pytest.FixtureRequest, _opened: People) -> People:
    """The people, once per connector, for tests that leave them as they are."""
    note(request.node, _opened)
    return _opened


@pytest.fixture(params=_STANDS)
async def own_people(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[People]:
    """The people, once per connector, for a test that changes them."""
    async with request.param.open(request, tmp_path, PEOPLE) as opened:
        note(request.node, opened)
        yield opened
