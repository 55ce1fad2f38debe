"""People at the command line: proposed and approved by two, refused acts in the ledger, the first three invited once."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from hub.core import open_core
from hub.settings import load_settings
from tests.cli.conftest import Cli
from tests.cli.test_init import BOOTSTRAP
from tests.people.house import entries

pytestmark = pytest.mark.slow
ADD = ("person", "add", "zhang.wei", "--display-name", "张伟", "--department", "housing", "--role", "governance:steward")


@pytest.fixture
def city(initialised: Cli) -> Cli:
    initialised("department", "add", "housing", "市住建局", "11520100009395416E")
    return initialised


def ledger() -> list[str]:
    core = open_core(load_settings())
    found = entries(core)
    core.close()
    return found


def test_an_account_is_proposed_by_one_and_approved_by_another(city: Cli) -> None:
    proposed = city(*ADD, "--actor", "ren", "--json").data
    assert (proposed["state"], proposed["roles"], proposed["proposed_roles"]) == ("PROPOSED", [], ["governance:steward"])
    refused = city("person", "approve", "zhang.wei", "--actor", "ren")
    assert refused.code == 1
    assert "who proposes does not approve" in refused.err
    approved = city("person", "approve", "zhang.wei", "--actor", "du", "--json").data
    assert (approved["state"], approved["roles"]) == ("INVITED", ["governance:steward"])
    assert proposed["proposal"] != approved["invitation"]
    listed = city("person", "list", "--json")
    assert listed.data[0]["created_by"] == "cli:ren"
    assert approved["invitation"] not in listed.out


def test_acts_and_refused_acts_name_actor_and_login(city: Cli) -> None:
    city(*ADD, "--actor", "ren")
    city("person", "approve", "zhang.wei", "--actor", "ren")
    city("person", "approve", "nobody", "--actor", "du")
    city("app", "disable", "nobody", "--actor", "du")
    done, *refused = ledger()[-4:]
    for text, act, actor in zip(
        [done, *refused], ("proposePerson", "approvePerson", "approvePerson", "disableApplication"), ("ren", "ren", "du", "du"), strict=True
    ):
        assert f'"act":"{act}"' in text
        assert f'"actor":"cli:{actor}"' in text
        assert f'"operator":"cli:{getpass.getuser()}"' in text
    assert '"outcome":"OK"' in done
    assert all('"outcome":"REFUSED"' in text for text in refused)
    assert '"code":"FOUR_EYES"' in refused[0]


def test_roles_are_changed_in_two_steps(city: Cli) -> None:
    city(*ADD, "--actor", "ren")
    city("person", "approve", "zhang.wei", "--actor", "du")
    assert city("person", "roles", "zhang.wei").code == 2
    assert city("person", "roles", "zhang.wei", "--role", "governance:owner", "--approve").code == 2
    both = ("--role", "governance:system", "--role", "governance:owner")
    assert "holds no other" in city("person", "roles", "zhang.wei", *both).err
    city("person", "roles", "zhang.wei", "--role", "governance:owner", "--actor", "ren")
    assert city("person", "roles", "zhang.wei", "--approve", "--actor", "du", "--json").data["roles"] == ["governance:owner"]
    assert city("person", "disable", "zhang.wei", "--json").data["state"] == "DISABLED"
    assert city("person", "invite", "zhang.wei", "--actor", "ren", "--json").data["state"] == "PROPOSED"


def test_the_bootstrap_invites_three_people_and_tells_each_code_once(cli: Cli, home: Path) -> None:
    made = cli(*BOOTSTRAP, "--json").data["people"]
    assert [(one["name"], one["role"]) for one in made] == [
        ("system", "governance:system"),
        ("security", "governance:security"),
        ("audit", "governance:audit"),
    ]
    listed = cli("person", "list", "--json")
    assert [(one["name"], one["state"], one["created_by"]) for one in listed.data] == [
        ("audit", "INVITED", "bootstrap"),
        ("security", "INVITED", "bootstrap"),
        ("system", "INVITED", "bootstrap"),
    ]
    stored = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert not any(one["invitation"].encode() in stored for one in made)


def test_the_bootstrap_tells_people_where_to_go(cli: Cli) -> None:
    told = cli(*BOOTSTRAP)
    assert "http://127.0.0.1:8000/account/enrol" in told.out
    assert told.out.count("invitation ") == 3
