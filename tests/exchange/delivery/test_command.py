"""``huitong exchange destinations``: what is configured, and what of it can be reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.cli.app import run
from hub.cli.exchange_destinations import check_destinations
from hub.settings import Settings
from tests.exchange.delivery.test_destinations import FOLDER, HEAD, TABLE

pytestmark = pytest.mark.fast


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "root" / "in").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def write(home: Path, text: str) -> None:
    (home / "destinations.toml").write_text(text.replace("{root}", str(home.parent / "root")).replace("{code}", "front"))


def test_each_is_reached_and_nothing_is_left_there(home: Path) -> None:
    write(home, HEAD + FOLDER + TABLE.format(url="mariadb://u@127.0.0.1:9/d", more='secret = "env:NOT_SET_ANYWHERE"\n', options=""))
    found = list(check_destinations(Settings(home=home)))
    assert [(one.name, one.ok) for one in found] == [("destination front", True), ("destination t", False)]
    assert "secret cannot be read" in found[1].message
    assert list((home.parent / "root" / "in").iterdir()) == []
    (home.parent / "root" / "in").rmdir()
    assert [one.ok for one in check_destinations(Settings(home=home))] == [False, False]


def test_a_faulty_file_is_one_fault(home: Path) -> None:
    write(home, "[[destinations]]\n")
    (found,) = check_destinations(Settings(home=home))
    assert (found.name, found.ok, "destinations[0]" in found.message) == ("destinations", False, True)


def test_the_command_prints_no_secret(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(home))
    assert run(["exchange", "destinations"]) == 0
    assert "no destinations" in capsys.readouterr().out
    write(home, HEAD + FOLDER + TABLE.format(url="mariadb://u@h/d", more='secret = "env:PLACE_OF_SECRET"\n', options=""))
    assert run(["exchange", "destinations", "--json"]) == 0
    said = capsys.readouterr().out
    assert [each["code"] for each in json.loads(said)] == ["front", "t"]
    assert "PLACE_OF_SECRET" not in said
    write(home, "x = 1")
    assert run(["exchange", "destinations"]) == 1
