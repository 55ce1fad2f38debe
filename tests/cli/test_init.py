"""A home begins empty; the three administrators' accounts are made once, and told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth.clients import hash_secret
from hub.core import open_core
from hub.settings import load_settings
from tests.cli.conftest import Cli

pytestmark = pytest.mark.slow
BOOTSTRAP = ("init", "--bootstrap", "--department", "city_data", "--name", "市大数据发展管理局", "--uscc", "11520100009392151C")


def test_init_makes_keys_and_database_but_no_account(cli: Cli, home: Path) -> None:
    done = cli("init")
    assert done.code == 0
    assert "huitong init --bootstrap" in done.out
    assert "huitong serve" in done.out
    assert (home / "keys").stat().st_mode & 0o777 == 0o700
    assert (home / "control.db").is_file()
    assert cli("app", "list", "--json").data == []
    assert not (home / "demo").exists()


def test_init_again_changes_no_key(cli: Cli, home: Path) -> None:
    cli("init")
    before = {path.name: path.read_bytes() for path in (home / "keys").glob("*") if path.is_file()}
    assert cli("init").code == 0
    assert {path.name: path.read_bytes() for path in (home / "keys").glob("*") if path.is_file()} == before


def test_bootstrap_makes_three_accounts_whose_secrets_are_told_once(cli: Cli) -> None:
    made = cli(*BOOTSTRAP, "--json").data["applications"]
    assert [(one["name"], one["role"]) for one in made] == [
        ("system_admin", "governance:system"),
        ("security_admin", "governance:security"),
        ("audit_admin", "governance:audit"),
    ]
    core = open_core(load_settings())
    for one in made:
        stored = core.registry.by_name(one["name"])
        assert stored is not None
        assert stored.secret_hash == hash_secret(one["client_secret"])
        assert stored.roles == {one["role"]}
        assert one["client_secret"] not in cli("app", "list", "--json").out
    core.close()


def test_bootstrap_happens_once(cli: Cli) -> None:
    assert cli(*BOOTSTRAP).code == 0
    again = cli(*BOOTSTRAP)
    assert again.code == 1
    assert "a bootstrap happens once" in again.err
    assert len(cli("app", "list", "--json").data) == 3


def test_bootstrap_without_its_department_is_a_usage_error(cli: Cli, home: Path) -> None:
    assert cli("init", "--bootstrap").code == 2
    assert not home.exists()


def test_bootstrap_refuses_a_wrong_credit_code(cli: Cli) -> None:
    refused = cli("init", "--bootstrap", "--department", "city_data", "--name", "局", "--uscc", "11520100009392151X")
    assert refused.code == 1
    assert "11520100009392151X" in refused.err
    assert cli("app", "list", "--json").data == []


def test_a_home_that_was_never_initialised_is_named_with_the_remedy(cli: Cli, home: Path) -> None:
    refused = cli("department", "list")
    assert refused.code == 1
    assert str(home) in refused.err
    assert "huitong init" in refused.err


def test_settings_that_do_not_fit_are_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_PORT", "eighty")
    refused = cli("init")
    assert refused.code == 1
    assert "HUITONG_PORT" in refused.err


def test_a_home_that_cannot_be_made_is_named(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path / "file" / "home"))
    refused = cli("init")
    assert refused.code == 1
    assert "HUITONG_HOME" in refused.err


def test_every_act_names_its_actor_in_the_ledger(initialised: Cli) -> None:
    initialised("department", "add", "housing", "市住建局", "11520100009395416E", "--actor", "li")
    core = open_core(load_settings())
    with core.engine.connect() as connection:
        entries = connection.exec_driver_sql("SELECT canonical FROM ledger_entry").all()
    core.close()
    assert len(entries) == 1
    assert b"cli:li" in entries[0][0]
    assert b"createDepartment" in entries[0][0]
