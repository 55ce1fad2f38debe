"""One server serves from a home with SQLite, several may with a shared control database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub.core import HomeFault, home_lock

pytestmark = pytest.mark.fast


def test_one_server_alone(tmp_path: Path) -> None:
    with home_lock(tmp_path):
        for shared in (False, True):
            with pytest.raises(HomeFault, match=f"pid {os.getpid()}"), home_lock(tmp_path, shared):
                pass
    with home_lock(tmp_path):
        pass


def test_several_servers_of_one_control_database(tmp_path: Path) -> None:
    with home_lock(tmp_path, shared=True), home_lock(tmp_path, shared=True), pytest.raises(HomeFault, match="stop it"), home_lock(tmp_path):
        pass
