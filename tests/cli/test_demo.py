"""``huitong demo``: from nothing to a served city, again without doing anything twice, and never beyond this machine by accident."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from tests.cli.children import Child, gone, initialised, run_command, running

pytestmark = pytest.mark.slow
START = ("demo", "--port", "0")
PERSONS = {"SEED_PERSONS": "2000"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the city comes to lie."""
    return tmp_path_factory.mktemp("demo") / "home"


def clock_of(home: Path) -> Path:
    """The demonstration's clock file."""
    return home.with_name("clock")


@pytest.fixture(scope="module")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that some tests serve one after the other: only the first of them has to make the city."""
    return tmp_path_factory.mktemp("spare") / "home"


@pytest.fixture(scope="module")
def hub(home: Path) -> Iterator[Child]:
    """The demonstration, from nothing, with a clock file beside its home."""
    clock_of(home).write_text("+0d", encoding="utf-8")
    with running(home, *START, "--clock", str(clock_of(home)), **PERSONS) as child:
        yield child


def test_credentials_and_samples_are_as_promised(hub: Child, home: Path) -> None:
    assert str(home / "demo" / "credentials.json") in hub.said()
    file = home / "demo" / "credentials.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    credentials = {entry["name"]: entry for entry in json.loads(file.read_bytes())}
    assert set(credentials) >= {"housing", "bank", "civil_affairs_own", "system_admin", "security_admin", "audit_admin", "steward"}
    for entry in credentials.values():
        answer = httpx2.post(
            f"{hub.url}/oauth/token",
            data={"grant_type": "client_credentials", "scope": entry["scope"]},
            auth=(entry["client_id"], entry["client_secret"]),
            trust_env=False,
        )
        assert (entry["name"], answer.status_code) == (entry["name"], 200)
    persons = json.loads((home / "demo" / "samples.json").read_bytes())["persons"]
    assert sum("housing" in person["visible_to"] for person in persons) >= 3
    assert sum("housing" not in person["visible_to"] for person in persons) >= 3


def test_a_demonstration_application_queries_by_name(hub: Child, home: Path) -> None:
    document = "{ civilAffairs { persons(first: 50) { nodes { name district } } } }"
    scoped = run_command(home, "query", "--url", hub.url, "--app", "housing", "--scope", "query:unconditional", "{ me { scopes } }", "--json")
    assert json.loads(scoped.stdout)["data"] == {"me": {"scopes": ["query:unconditional"]}}
    assert run_command(home, "query", "--url", hub.url, "--public", "--scope", "query:unconditional", "{ __typename }").returncode == 2
    answered = run_command(home, "query", "--url", hub.url, "--app", "housing", document, "--json")
    assert answered.returncode == 0
    nodes = json.loads(answered.stdout)["data"]["civilAffairs"]["persons"]["nodes"]
    assert {node["district"] for node in nodes} == {"520102"}


def test_business_time_follows_the_clock_file(hub: Child, home: Path) -> None:
    """Read anew within a tenth of a second; the token is issued, and taken, by the real clock."""
    entry = next(one for one in json.loads((home / "demo" / "credentials.json").read_bytes()) if one["name"] == "security_admin")
    document = 'mutation { setCalendarDays(input: {days: [{day: "2099-01-01", working: false, source: "测试"}]}) { days { setAt } problems { code } } }'
    with httpx2.Client(base_url=hub.url, trust_env=False) as client:
        asked = {"grant_type": "client_credentials", "scope": entry["scope"]}
        token = client.post("/oauth/token", data=asked, auth=(entry["client_id"], entry["client_secret"])).json()["access_token"]
        clock_of(home).write_text("+14d", encoding="utf-8")
        time.sleep(0.2)
        answer = client.post("/governance/graphql", json={"query": document}, headers={"authorization": f"Bearer {token}"})
    clock_of(home).write_text("+0d", encoding="utf-8")
    time.sleep(0.2)
    made = answer.json()["data"]["setCalendarDays"]
    assert made["problems"] == []
    ahead = datetime.fromisoformat(made["days"][0]["setAt"]) - datetime.now(UTC)
    assert abs(ahead - timedelta(days=14)) < timedelta(minutes=5)
    assert "guiyang" in (home / "huitong.toml").read_text(encoding="utf-8")


def test_every_source_answers_and_has_its_columns(hub: Child, home: Path) -> None:
    looked = json.loads(run_command(home, "doctor", "--json", PORT="0").stdout)
    assert [one for one in looked if not one["ok"] and one["check"] != "console"] == []
    assert len([one for one in looked if one["check"].startswith("resource ")]) >= 8


def test_a_second_start_registers_nothing_anew_and_keeps_what_was_revoked(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home, *START, **PERSONS) as child:
        first = (home / "demo" / "credentials.json").read_bytes()
        grants = json.loads(run_command(home, "grant", "list", "--json").stdout)
        assert run_command(home, "grant", "revoke", grants[0]["id"]).returncode == 0
        child.end(signal.SIGTERM)
    with running(home, *START) as child:
        assert "registered" not in child.said()
        assert "imported" not in child.said()
        assert child.end(signal.SIGTERM) == 0
    assert (home / "demo" / "credentials.json").read_bytes() == first
    states = {one["id"]: one["state"] for one in json.loads(run_command(home, "grant", "list", "--json").stdout)}
    assert states == {one["id"]: "REVOKED" if one["id"] == grants[0]["id"] else "ACTIVE" for one in grants}
    assert json.loads(run_command(home, "ledger", "verify", "--json").stdout)["ok"]


def test_ctrl_c_ends_it_and_its_service(spare: Path) -> None:
    with running(spare, *START, **PERSONS) as child:
        assert child.end(signal.SIGINT, group=True) == 0
    assert "Traceback" not in child.said()
    assert "Fatal" not in child.said()
    assert gone(str(spare))


def test_its_service_ends_with_a_killed_hub(spare: Path) -> None:
    with running(spare, *START, **PERSONS) as child:
        child.end(signal.SIGKILL)
        assert gone(str(spare))


@pytest.mark.parametrize(("arguments", "more"), [((), {}), (("--beyond-loopback",), {}), ((), {"HUITONG_DEMO_BEYOND_LOOPBACK": "yes"})])
def test_it_is_not_served_beyond_loopback_unless_told_twice(tmp_path: Path, arguments: tuple[str, ...], more: dict[str, str]) -> None:
    refused = run_command(tmp_path / "home", "demo", "--host", "0.0.0.0", *arguments, **more)
    assert refused.returncode == 1
    assert "--beyond-loopback" in refused.stderr
    assert not (tmp_path / "home").exists()


def test_told_twice_it_is(spare: Path) -> None:
    with running(spare, *START, "--host", "0.0.0.0", "--beyond-loopback", HUITONG_DEMO_BEYOND_LOOPBACK="yes", **PERSONS) as child:
        assert child.end(signal.SIGTERM) == 0


def test_a_home_in_production_is_left_alone(tmp_path: Path) -> None:
    initialised(tmp_path / "home")
    refused = run_command(tmp_path / "home", *START)
    assert refused.returncode == 1
    assert "HUITONG_HOME" in refused.stderr
    assert not (tmp_path / "home" / "demo").exists()


def test_too_few_persons_are_refused(tmp_path: Path) -> None:
    refused = run_command(tmp_path / "home", *START, SEED_PERSONS="1")
    assert refused.returncode in (1, 2)
    assert "Traceback" not in refused.stderr
