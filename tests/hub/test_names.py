"""The tables by which names are compared are there before anybody claims a name, and the event loop does not make them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from hub.app import create_app
from masking import han
from tests.catalog.homes import new_core

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


async def test_a_hub_makes_the_tables_of_names_in_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    converted = han._converted

    def noted(way: str, characters: Iterable[str]) -> list[str]:
        threads.append(threading.get_ident())
        return converted(way, characters)

    monkeypatch.setattr(han, "_converted", noted)
    for table in (han.simplifications, han.traditional_forms):
        table.cache_clear()
    with new_core(tmp_path) as core:
        hub = create_app(core)
        assert threads == []
        async with hub._rest.router.lifespan_context(hub._rest):
            assert hub.ready
            assert threading.get_ident() not in threads
    assert len(threads) == 2
    assert threading.get_ident() not in threads
    assert han.traditional_forms.cache_info().currsize == 1
