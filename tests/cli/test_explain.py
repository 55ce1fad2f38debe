"""``huitong explain``: rights item by item, refusals with their reason, and dry runs, without a running hub."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from hub.cli.app import run
from hub.demo.catalog import manifests
from tests.cli.conftest import Cli

pytestmark = pytest.mark.slow
PURPOSE = "review|资格审核|公共租赁住房管理办法"
GRANT = (
    *("grant", "add", "housing", "civil_affairs.person", "--operation", "QUERY", "--item", "name", "--item", "id_number:MASKED:key"),
    *("--item", "household_no:key", "--rows", '{"district": {"eq": "520102"}}', "--purpose", PURPOSE, "--approver", "王局长", "--json"),
)
PERSON = ("explain", "--app", "housing", "--resource", "civil_affairs.person")


@pytest.fixture(scope="module")
def published(fresh_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with civil affairs published and housing's application registered, to copy."""
    directory = tmp_path_factory.mktemp("published")
    home = directory / "home"
    shutil.copytree(fresh_home, home)
    path = directory / "civil_affairs.toml"
    path.write_text(manifests(directory, "http://127.0.0.1:1")["civil_affairs"], encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUITONG_HOME", str(home))
        for arguments in (
            ("catalog", "import", str(path), "--actor", "zhang"),
            ("catalog", "review", "1", "--approve", "--actor", "li"),
            ("catalog", "publish", "1", "--actor", "li"),
            ("department", "add", "housing", "市住建局", "11520100009395416E"),
            ("app", "add", "housing", "--department", "housing", "--purpose", PURPOSE),
        ):
            assert run(arguments) == 0
    return home


@pytest.fixture
def city(cli: Cli, home: Path, published: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line on a copy of that home; no source can be opened."""
    shutil.copytree(published, home)

    def opened(_config: Any) -> None:
        raise AssertionError("a source was opened")

    monkeypatch.setattr(registry, "_connector", opened)
    return cli


def items(data: Any) -> dict[str, tuple[str, str]]:
    return {item["code"]: (item["shown"], item["because"]["reason"]) for item in data["items"]}


def test_a_grant_is_explained_item_by_item(city: Cli) -> None:
    made = city(*GRANT).data
    data = city(*PERSON, "--json").data
    assert (data["allowed"], data["because"]["reason"]) == (True, "GRANTED")
    found = items(data)
    assert found["name"] == ("CLEAR", "ITEM_GRANTED")
    assert found["id_number"] == ("MASKED", "ITEM_MASKED_BY_CATALOG")
    assert found["household_no"] == ("KEY", "ITEM_KEY_ONLY")
    assert found["district"] == ("ABSENT", "ITEM_NOT_GRANTED")
    assert {o["operation"]: (o["allowed"], o["because"]["reason"]) for o in data["operations"]} == {
        "QUERY": (True, "GRANTED"),
        "VERIFY": (False, "OPERATION_NOT_GRANTED"),
        "EXCHANGE": (False, "OPERATION_NOT_GRANTED"),
    }
    assert data["terms"]["row_condition"] == {"district": {"eq": "520102"}}
    assert data["terms"]["purposes"] == [{"code": "review", "scenario": "资格审核", "basis": "公共租赁住房管理办法"}]
    assert (data["grant"]["id"], data["grant"]["state"], data["grant"]["approver"]) == (made["id"], "ACTIVE", "王局长")
    assert "第二十一条" in json.dumps(data["because"]["articles"], ensure_ascii=False)
    assert data["legal_basis"]


def test_the_table_tells_people_the_same(city: Cli) -> None:
    city(*GRANT)
    shown = city(*PERSON)
    assert shown.code == 0
    rows = {line.split("\t")[0]: line.split("\t") for line in shown.out.splitlines() if "\t" in line}
    assert rows["item"] == ["item", "name", "shown", "why", "articles"]
    assert rows["id_number"][2].startswith("masked(")
    assert rows["id_number"][2].endswith(" + key")
    assert (rows["name"][2], rows["household_no"][2], rows["district"][2]) == ("clear", "key", "absent")
    for words in ("王局长", "520102", "公共租赁住房管理办法", "[N809-21]", "第二十一条", "art. 21", "✗ OPERATION_NOT_GRANTED"):
        assert words in shown.out


@pytest.mark.parametrize(
    ("acts", "more", "reason"),
    [
        ((), (), "NO_GRANT"),
        (("grant",), ("--at", "2099-01-01"), "GRANT_EXPIRED"),
        (("grant",), ("--at", "2020-01-01T00:00:00+08:00"), "GRANT_NOT_YET_VALID"),
        (("grant", "suspend"), (), "GRANT_SUSPENDED"),
        (("grant", "suspend", "resume"), (), "GRANTED"),
        (("grant", "revoke"), (), "GRANT_REVOKED"),
        (("grant",), ("--scope", "verify:civil_affairs.person"), "NO_SCOPE"),
        (("grant", "disable"), (), "APPLICATION_DISABLED"),
    ],
)
def test_a_refusal_says_why(city: Cli, acts: tuple[str, ...], more: tuple[str, ...], reason: str) -> None:
    made: Any = {}
    for act in acts:
        if act == "grant":
            made = city(*GRANT, "--valid-to", "2098-01-01").data
        elif act == "disable":
            assert city("app", "disable", "housing").code == 0
        else:
            assert city("grant", act, made["id"]).code == 0
    data = city(*PERSON, "--json", *more).data
    assert (data["because"]["reason"], data["allowed"]) == (reason, reason == "GRANTED")
    assert (data["grant"] or {}).get("id") == made.get("id")
    if reason != "GRANTED":
        assert data["terms"] is None
        assert {operation["allowed"] for operation in data["operations"]} == {False}
        assert reason in city(*PERSON, *more).out


def test_the_public_and_a_resource_that_is_not_shared(city: Cli) -> None:
    data = city("explain", "--app", "public", "--resource", "civil_affairs.person", "--json").data
    assert (data["application"], data["allowed"], data["because"]["reason"]) == ("public", False, "NOT_OPEN")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--app", "hosing", "--resource", "civil_affairs.person"), "did you mean housing"),
        (("--app", "housing", "--resource", "civil_affairs.persn"), "did you mean civil_affairs.person"),
        (("--app", "housing", "--resource", "civil_affairs.person", "--at", "tomorrow"), "tomorrow"),
        (("--app", "housing", "--resource", "civil_affairs.person", "--at", "9999-12-31T23:59:59+00:00"), "out of range"),
        (("--app", "housing", "--resource", "civil_affairs.person", "--at", "0001-01-01T00:00:00+08:00"), "out of range"),
        (("--app", "housing\x1b[2J", "--resource", "civil_affairs.person"), "no application housing\ufffd[2J"),
    ],
)
def test_wrong_names_are_answered_with_near_ones(city: Cli, arguments: tuple[str, ...], words: str) -> None:
    refused = city("explain", *arguments)
    assert refused.code == 1
    assert words in refused.err


def test_neither_or_both_is_a_usage_error(city: Cli, tmp_path: Path) -> None:
    file = tmp_path / "d.graphql"
    file.write_text("{ __typename }", encoding="utf-8")
    assert city("explain", "--app", "housing").code == 2
    assert city(*PERSON, "--document", file).code == 2


QUERY = "query($id: String!) { civilAffairs { person(idNumber: $id) { name idNumber } persons(first: 20) { nodes { name } totalCount } } }"
IDENTITY = json.dumps({"id": "11010519491231002X"})


def test_a_document_is_run_dry(city: Cli, tmp_path: Path) -> None:
    """No source can be opened here, and none is."""
    made = city(*GRANT).data
    file = tmp_path / "person.graphql"
    file.write_text(QUERY, encoding="utf-8")
    command = ("explain", "--app", "housing", "--document", file)
    data = city(*command, "-v", IDENTITY, "--json").data
    assert (data["would_run"], data["refusals"], data["purposes"]) == (True, [], ["review"])
    (resource,) = data["resources"]
    assert (resource["resource"], resource["grant"], resource["approver"], resource["rows_at_most"]) == ("civil_affairs.person", made["id"], "王局长", 21)
    assert resource["row_condition"] == {"district": {"eq": "520102"}}
    assert {(item["code"], item["use"]) for item in resource["items"]} == {("id_number", "KEY"), ("id_number", "MASKED"), ("name", "CLEAR")}
    assert {place["path"]: place["mask"] is not None for place in data["places"]} == {
        "civilAffairs.person.name": False,
        "civilAffairs.person.idNumber": True,
        "civilAffairs.persons.nodes.name": False,
    }
    (source,) = data["sources"]
    assert (source["statements"], source["keys"], source["pages"]) == (3, 0, [20])
    assert (data["cost"]["depth"], data["cost"]["rows"]) == (4, 20)
    shown = city(*command, "-v", IDENTITY)
    assert shown.code == 0
    assert "civilAffairs.person.idNumber" in shown.out


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ((), "BAD_INPUT"),
        (("-v", IDENTITY, "--purpose", "other"), "PURPOSE_NOT_GRANTED"),
        (("-v", IDENTITY, "--scope", "query:unconditional"), "INVALID_DOCUMENT"),
        (("-v", IDENTITY, "--at", "2020-01-01T00:00:00+08:00"), "INVALID_DOCUMENT"),
        (("-v", IDENTITY, "--operation", "other"), "BAD_REQUEST"),
    ],
)
def test_a_dry_run_says_what_would_be_refused(city: Cli, tmp_path: Path, more: tuple[str, ...], code: str) -> None:
    city(*GRANT)
    file = tmp_path / "person.graphql"
    file.write_text(QUERY, encoding="utf-8")
    refused = city("explain", "--app", "housing", "--document", file, *more, "--json")
    assert refused.code == 1
    assert {refusal["code"] for refusal in refused.data["refusals"]} == {code}


def test_a_document_that_is_no_text_is_told(city: Cli, tmp_path: Path) -> None:
    (tmp_path / "document.graphql").write_bytes(b"\xff\xfe")
    said = city("explain", "--app", "housing", "--document", str(tmp_path / "document.graphql"))
    assert (said.code, "is no UTF-8" in said.err) == (1, True)


def test_a_moment_without_offset_is_of_chinas_time(city: Cli) -> None:
    """The regulation is in force from 1 August 2025, midnight in China."""
    told = [city(*PERSON, "--at", at, "--json").data["because"]["articles"] for at in ("2025-07-31T23:59:59", "2025-08-01", "2025-08-01T00:00:00+00:00")]
    assert [bool(articles) for articles in told] == [False, True, True]
