"""A steward reaches the own department's secrets and folders alone; whoever imports for all departments is asked to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.core import Core
from tests.catalog.homes import IMPORTER, STEWARD, publish, refused
from tests.catalog.small import SMALL

pytestmark = pytest.mark.slow
URL = next(line for line in SMALL.splitlines() if line.startswith("url = "))
HOUSING = SMALL.replace("civil_affairs", "housing")


def _with(text: str, more: str) -> str:
    return text.replace(URL, f"{URL}\n{more}")


@pytest.fixture
def shared(core: Core) -> Core:
    """``housing`` and ``civil`` are published; housing's source has a secret."""
    publish(core, _with(HOUSING, 'secret = "env:REGISTER_PASSWORD"'))
    publish(core, SMALL.replace("civil_affairs", "civil"))
    return core


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ("env:CIVIL_AFFAIRS_DB_PASSWORD", False),
        ("env:DB_PASSWORD", False),
        ("env:HOUSING_DB_PASSWORD", True),
        ("env:CIVIL_DB_PASSWORD", True),
        ("env:REGISTER_PASSWORD", True),
    ],
)
def test_secrets(shared: Core, secret: str, fault: bool) -> None:
    text = _with(SMALL, f'secret = "{secret}"')
    if fault:
        problem = refused(shared.catalog.import_manifest, STEWARD, text)[0]
        assert (problem.code, problem.path) == ("PLACE_OF_ANOTHER", "sources[0].secret")
        assert problem.line
    else:
        assert shared.catalog.import_manifest(STEWARD, text).state == "IMPORTED"
    assert shared.catalog.import_manifest(IMPORTER, text).state == "IMPORTED"


FOLDER = """
[[sources]]
code = "delivery"
kind = "files"
url = "{folder}"
"""


@pytest.mark.parametrize(("folder", "fault"), [("here", True), ("here/inside", True), ("", True), ("elsewhere", False)])
def test_folders(core: Core, tmp_path: Path, folder: str, fault: bool) -> None:
    publish(core, HOUSING.replace("\n[[resources]]", FOLDER.format(folder=tmp_path / "in" / "here") + "\n[[resources]]", 1))
    text = SMALL.replace("\n[[resources]]", FOLDER.format(folder=tmp_path / "in" / folder) + "\n[[resources]]", 1)
    if fault:
        assert [problem.path for problem in refused(core.catalog.import_manifest, STEWARD, text)] == ["sources[1].url"]
    else:
        assert core.catalog.import_manifest(STEWARD, text).state == "IMPORTED"
