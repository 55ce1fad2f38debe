"""Departments, applications, sources and grants through the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hub.cli.app import run
from hub.demo.catalog import manifests
from tests.cli.conftest import Cli

pytestmark = pytest.mark.slow
PURPOSE = "review|资格审核|公共租赁住房管理办法"
GRANT = ("grant", "add", "housing", "civil_affairs.person", "--operation", "QUERY", "--item", "name", "--item", "id_number:MASKED:key", "--item", "district")


@pytest.fixture(scope="module")
def city_home(fresh_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home to copy: civil affairs published, housing's application registered."""
    made = tmp_path_factory.mktemp("city")
    shutil.copytree(fresh_home, made / "home")
    path = made / "civil_affairs.toml"
    path.write_text(manifests(made, "http://127.0.0.1:1")["civil_affairs"], encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUITONG_HOME", str(made / "home"))
        assert run(["catalog", "import", str(path), "--actor", "li"]) == 0
        assert run(["catalog", "review", "1", "--approve", "--actor", "wang"]) == 0
        assert run(["catalog", "publish", "1", "--actor", "wang"]) == 0
        assert run(["department", "add", "housing", "市住建局", "11520100009395416E"]) == 0
        assert run(["app", "add", "housing", "--department", "housing", "--purpose", PURPOSE]) == 0
    return made / "home"


@pytest.fixture
def city(cli: Cli, home: Path, city_home: Path) -> Cli:
    """The command line on a copy of it."""
    shutil.copytree(city_home, home)
    return cli


def test_a_secret_is_told_when_the_application_is_registered(city: Cli) -> None:
    made = city("app", "add", "archive", "--department", "housing", "--purpose", PURPOSE, "--json").data
    assert set(made) == {"name", "client_id", "client_secret"}
    assert city("app", "disable", "archive").code == 0
    assert {row["name"]: row["active"] for row in city("app", "list", "--json").data} == {"archive": False, "housing": True}


def test_no_account_holds_two_of_the_three_roles(city: Cli) -> None:
    roles = ("--role", "governance:system", "--role", "governance:audit")
    refused = city("app", "add", "chief", "--department", "housing", "--purpose", PURPOSE, *roles)
    assert refused.code == 1
    assert "no account holds two" in refused.err


def test_a_purpose_that_is_not_in_three_parts_is_a_usage_error(city: Cli) -> None:
    assert city("app", "add", "archive", "--department", "housing", "--purpose", "review").code == 2


def test_a_grant_from_options(city: Cli) -> None:
    rows = '{"district": {"eq": "520102"}}'
    made = city(*GRANT, "--rows", rows, "--purpose", PURPOSE, "--approver", "市民政局", "--valid-to", "2099-01-01", "--json").data
    assert made["application"] == "housing"
    assert made["terms"]["items"][1] == {"code": "id_number", "value": "MASKED", "key": True, "mask": None}
    assert made["valid_to"].startswith("2099-01-01T00:00:00")
    listed = city("grant", "list", "--app", "housing", "--json").data
    assert [one["id"] for one in listed] == [made["id"]]


def test_a_grant_from_a_file_and_its_end(city: Cli, tmp_path: Path) -> None:
    purpose = {"code": "review", "scenario": "资格审核", "basis": "公共租赁住房管理办法"}
    terms = {
        "operations": ["QUERY", "VERIFY"],
        "items": [{"code": "name", "value": "CLEAR"}],
        "purposes": [purpose],
        "perClaim": True,
        "quota": {"per": "DAY", "calls": 9},
    }
    file = tmp_path / "terms.json"
    file.write_text(json.dumps(terms), encoding="utf-8")
    made = city("grant", "add", "housing", "civil_affairs.person", "--file", file, "--approver", "市民政局", "--json").data
    assert made["terms"]["per_claim"] is True
    assert made["terms"]["quota"]["calls"] == 9
    assert [city("grant", act, made["id"], "--json").data["state"] for act in ("suspend", "resume", "revoke")] == ["SUSPENDED", "ACTIVE", "REVOKED"]
    assert city("grant", "resume", made["id"]).code == 1


def test_a_misspelt_term_is_named(city: Cli, tmp_path: Path) -> None:
    file = tmp_path / "terms.toml"
    file.write_text('operatoins = ["QUERY"]\n', encoding="utf-8")
    refused = city("grant", "add", "housing", "civil_affairs.person", "--file", file)
    assert refused.code == 1
    assert "did you mean operations?" in refused.err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--item", "nmae"), "nmae"),
        (("--operation", "READ"), "READ"),
        (("--rows", "{"), "--rows"),
        (("--rows", '{"distrct": {"eq": "1"}}'), "rows"),
        (("--valid-to", "tomorrow"), "tomorrow"),
    ],
)
def test_terms_that_cannot_be_are_refused_and_nothing_is_granted(city: Cli, more: tuple[str, str], words: str) -> None:
    refused = city(*GRANT, "--purpose", PURPOSE, "--approver", "市民政局", *more)
    assert refused.code == 1
    assert words in refused.err
    assert city("grant", "list", "--json").data == []


def test_sources_are_listed_and_checked(city: Cli) -> None:
    assert city("source", "add", "housing", "archive", "--kind", "rest", "--url", "http://127.0.0.1:1").code == 0
    assert {row["code"] for row in city("source", "list", "--json").data} == {"civil_affairs.register", "housing.archive"}
    checked = city("source", "check", "housing.archive", "--json")
    assert checked.code == 3
    assert [one["ok"] for one in checked.data] == [False]
    assert checked.data[0]["remedy"]
    assert city("source", "check", "housing.archve").code == 1


def test_a_source_is_changed_and_removed(city: Cli) -> None:
    add = ("source", "add", "housing", "archive", "--kind", "rest", "--url")
    assert city(*add, "http://127.0.0.1:1").code == 0
    again = city(*add, "http://127.0.0.1:2")
    assert (again.code, "--replace" in again.err) == (1, True)
    assert "changed housing.archive" in city(*add, "http://127.0.0.1:2", "--replace").out
    assert {row["url"] for row in city("source", "list", "--json").data if row["code"] == "housing.archive"} == {"http://127.0.0.1:2"}
    assert city("source", "remove", "housing", "archive", "--json").data == {"code": "housing.archive"}
    assert city("source", "remove", "housing", "archive").code == 1
    assert {row["code"] for row in city("source", "list", "--json").data} == {"civil_affairs.register"}


def test_how_exchanges_read_a_source_is_said_when_it_is_added_or_changed(city: Cli) -> None:
    def listed() -> tuple[str, int]:
        (row,) = (row for row in city("source", "list", "--json").data if row["code"] == "housing.archive")
        return row["exchange_masks"], row["exchange_sessions"]

    add = ("source", "add", "housing", "archive", "--kind", "rest", "--url", "http://127.0.0.1:1")
    assert city(*add, "--exchange-masks", "source", "--exchange-sessions", 5).code == 0
    assert listed() == ("source", 5)
    assert city(*add, "--replace", "--exchange-sessions", 16).code == 0
    assert listed() == ("hub", 16), "what is not given has its default"
    assert city(*add, "--replace", "--exchange-masks", "none").code == 2
    assert city(*add, "--replace", "--exchange-sessions", 17).code == 2
    assert listed() == ("hub", 16)


def test_a_password_in_a_source_address_is_refused(city: Cli) -> None:
    refused = city("source", "add", "housing", "archive", "--url", "postgresql+asyncpg://reader:topsecret@db.example/archive")
    assert refused.code == 1
    assert "topsecret" not in refused.err


def test_lists_are_tab_separated_where_there_is_no_terminal(city: Cli) -> None:
    header, *rows = city("department", "list").out.splitlines()
    assert header.split("\t")[:2] == ["code", "name"]
    assert [row.split("\t")[0] for row in rows] == ["civil_affairs", "housing"]
