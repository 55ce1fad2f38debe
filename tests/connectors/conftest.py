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


@pytest.fixture(params=[_parameter(stand) for stand in stands()])
async def people(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[People]:
    """The people, once per connector."""
    async with request.param.open(request, tmp_path, PEOPLE) as opened:
        note(request.node, opened)
        yield opened
