"""The doctor names every fault of a home, and how to mend it."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hub.demo.catalog import manifests
from tests.cli.conftest import Cli, Outcome
from tests.cli.test_catalog import publish

pytestmark = pytest.mark.slow


def faults(outcome: Outcome) -> dict[str, Any]:
    """The checks that found something, by name."""
    return {one["check"]: one for one in outcome.data if not one["ok"]}


@pytest.fixture
def free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that may run on the default port is none of these tests' business."""
    monkeypatch.setenv("PORT", "0")


@pytest.mark.usefixtures("free_port")
def test_a_sound_home(initialised: Cli) -> None:
    looked = initialised("doctor", "--json")
    assert [one["check"] for one in looked.data] == ["settings", "home", "permissions", "keys", "database", "ledger", "catalog", "console", "port"]
    assert set(faults(looked)) <= {"console"}


@pytest.mark.usefixtures("free_port")
def test_no_home(cli: Cli) -> None:
    looked = cli("doctor", "--json")
    assert looked.code == 1
    assert "huitong init" in faults(looked)["home"]["remedy"]


def test_settings_that_cannot_be_read(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_EXCHANGE_DAYS", "0")
    looked = cli("doctor", "--json")
    assert looked.code == 1
    assert "HUITONG_EXCHANGE_DAYS" in faults(looked)["settings"]["message"]


@pytest.mark.usefixtures("free_port")
def test_keys_that_others_may_read(initialised: Cli, home: Path) -> None:
    key = home / "keys" / "ledger-signing.pem"
    key.chmod(0o644)
    looked = initialised("doctor", "--json")
    assert looked.code == 1
    assert faults(looked)["permissions"]["remedy"] == f"chmod 600 {key}"


@pytest.mark.usefixtures("free_port")
def test_a_key_that_is_none(initialised: Cli, home: Path) -> None:
    (home / "keys" / "ledger-signing.pem").write_text("not a key")
    assert "ledger-signing.pem" in faults(initialised("doctor", "--json"))["keys"]["message"]


@pytest.mark.usefixtures("free_port")
def test_a_database_that_is_none(initialised: Cli, home: Path) -> None:
    for path in home.glob("control.db-*"):
        path.unlink()
    (home / "control.db").write_bytes(b"not a database, " * 100)
    looked = initialised("doctor", "--json")
    assert looked.code == 1
    assert "control.db" in faults(looked)["database"]["message"]


@pytest.mark.usefixtures("free_port")
def test_a_source_that_is_gone(initialised: Cli) -> None:
    initialised("department", "add", "housing", "市住建局", "11520100009395416E")
    initialised("source", "add", "housing", "archive", "--kind", "rest", "--url", "http://127.0.0.1:1")
    looked = initialised("doctor", "--json")
    assert looked.code == 1
    assert faults(looked)["source housing.archive"]["remedy"]


@pytest.mark.usefixtures("free_port")
def test_a_column_that_is_missing(initialised: Cli, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "city_data.toml"
    path.write_text(manifests(home, "http://127.0.0.1:1")["city_data"], encoding="utf-8")
    publish(initialised, path)
    (home / "demo").mkdir()
    with sqlite3.connect(home / "demo" / "city_data.db") as connection:
        connection.execute("CREATE TABLE division (code TEXT, name TEXT)")
    connection.close()
    found = faults(initialised("doctor", "--json"))["resource city_data.division"]
    assert "full_name" in found["message"]
    assert found["remedy"]


def test_a_port_in_use(initialised: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        looked = initialised("doctor", "--json")
    assert f"127.0.0.1:{port}" in faults(looked)["port"]["message"]
    assert f"PORT={port + 1}" in faults(looked)["port"]["remedy"]


@pytest.mark.usefixtures("free_port")
def test_for_people_each_fault_is_a_line_with_its_remedy(cli: Cli) -> None:
    lines = cli("doctor").out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("故障 FAULT  home"))
    assert "→ huitong init" in lines[at + 1]


@pytest.mark.usefixtures("free_port")
def test_a_rule_set_that_cannot_be_used(initialised: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """No backup would mend it."""
    monkeypatch.setenv("HUITONG_RULE_SETS", "n809,elsewhere")
    found = faults(initialised("doctor", "--json"))
    assert set(found) - {"console"} == {"rules"}
    assert "elsewhere" in found["rules"]["message"]
    assert "HUITONG_RULE_SETS" in found["rules"]["remedy"]
