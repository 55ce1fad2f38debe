"""The scenarios against a running hub, by the command that a load tester types: exit codes, names, thresholds, distributed mode."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from loadtests.scenarios.plan import DEMO, load_plan
from loadtests.scenarios.prepare import draw
from tests.docs.pages import ROOT
from tests.hub.running import RunningHub
from tests.servers.postgres import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]
LOCUST = Path(sys.executable).with_name("locust")
ASKED = {
    *("token", "look-up", "list", "list: next page", "nested", "verify: true claim", "verify: wrong claim"),
    *("exchange: start", "exchange: state", "exchange: download", "exchange: whole"),
}
_SECONDS = 180


@pytest.fixture(scope="module")
def people(hub: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Persons who are nobody's samples, so that other tests keep the budgets of theirs."""
    file = tmp_path_factory.mktemp("people") / "people.json"
    file.write_text(json.dumps({"persons": draw(hub.home, 20, 1)}), encoding="utf-8")
    return file


def _command(hub: RunningHub, people: Path, *arguments: str) -> list[str]:
    credentials = str(hub.home / "demo" / "credentials.json")
    return [str(LOCUST), "--headless", "--only-summary", "--host", hub.base, "--credentials", credentials, "--people", str(people), *arguments]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "HUITONG_"))}


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, timeout=_SECONDS, check=False)


@contextmanager
def _worker(port: int) -> Iterator[subprocess.Popen[str]]:
    command = [str(LOCUST), "--worker", "--master-port", str(port)]
    worker = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield worker
    finally:
        worker.kill()
        worker.communicate()


def _rows(prefix: Path, what: str = "stats") -> list[dict[str, str]]:
    with prefix.with_name(f"{prefix.name}_{what}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _every_scenario(hub: RunningHub, people: Path, tmp_path: Path, plan: Path, seconds: int) -> dict[str, dict[str, str]]:
    port = free_port()
    every = ["LookUp", "List", "Nested", "Verify", "Exchange", "Refusals", "MixedDay"]
    report = ["--csv", str(tmp_path / "report"), "--html", str(tmp_path / "report.html")]
    master = ["--master", "--master-bind-port", str(port), "--expect-workers", "1", "--expect-workers-max-wait", "120"]
    with _worker(port) as worker:
        run = ["-u", "7", "-r", "7", "-t", f"{seconds}s", "--think", "0.05", "--fail-ratio", "0", "--p95-ms", "exchange: whole=600000", "--plan", str(plan)]
        done = _run(_command(hub, people, *master, *report, *run, *every))
        rows = {row["Name"]: row for row in _rows(tmp_path / "report")}
        assert done.returncode == int("exchange: whole" not in rows), done.stderr + done.stdout
        assert worker.wait(60) == 0
    return rows


def test_every_scenario_runs_without_a_failure_on_a_worker_of_another_process(hub: RunningHub, people: Path, tmp_path: Path) -> None:
    """Master and worker on the loopback: each scenario and each refusal is counted under its name, no request fails, both end with 0."""
    plan = tmp_path / "plan.toml"
    plan.write_text(DEMO.read_text(encoding="utf-8").replace("wrong_one_in = 10", "wrong_one_in = 2"), encoding="utf-8")
    rows: dict[str, dict[str, str]] = {}
    # Locust's master does not wait for what its workers are at when time is up: an exchange may take longer.
    for seconds in (5, 60):
        if "exchange: whole" not in rows:
            rows = _every_scenario(hub, people, tmp_path, plan, seconds)
    refusals = {f"refused: {case.name}" for case in load_plan(DEMO).refused}
    assert set(rows) == ASKED | refusals | {"Aggregated"}
    assert {row["Failure Count"] for row in rows.values()} == {"0"}
    assert rows["token"]["Request Count"] == "1", "one token for all callers of a process"
    assert _rows(tmp_path / "report", "failures") == []

    told = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("report*"))
    assert "look-up" in told
    assert not [person for person in json.loads(people.read_bytes())["persons"] if person["id_number"] in told or person["name"] in told]


def test_a_mixed_day_in_a_shape_keeps_its_thresholds(hub: RunningHub, people: Path) -> None:
    """Plain ``locust`` runs the mixed day, also at an address that ends with a slash; the shape reaches its peak and ends the run."""
    done = _run(
        _command(
            hub,
            people,
            "--host",
            f"{hub.base}/",
            "-u",
            "10",
            "-t",
            "3s",
            "--shape",
            "soak",
            "--think",
            "0.05",
            "--p99-ms",
            "60000,look-up=60000",
            "--min-rps",
            "0.1",
        )
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert '{"MixedDay": 10}' in done.stderr
    assert "threshold" not in done.stderr


def test_missing_data_and_thresholds_fail_a_run(hub: RunningHub, tmp_path: Path) -> None:
    """A person outside the grant is answered ``null`` with 200: a failure, and each limit that is exceeded has its line."""
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"persons": [{**hub.outside[0], "visible_to": ["housing"]}]}), encoding="utf-8")
    limits = ["--fail-ratio", "0.01", "--p95-ms", "look-up=0.001", "--min-rps", "100000"]
    done = _run(_command(hub, people, "-u", "1", "-t", "1s", *limits, "--csv", str(tmp_path / "report"), "LookUp"))
    assert done.returncode == 1
    for option in ("--fail-ratio", "--p95-ms look-up", "--min-rps"):
        assert f"threshold exceeded: {option}: " in done.stderr
    (failure,) = _rows(tmp_path / "report", "failures")
    assert "no data at civilAffairs.person.name" in failure["Error"]
    assert hub.outside[0]["id_number"] not in done.stderr + done.stdout


def test_a_hub_that_hangs_fails_a_run(people: Path, hub: RunningHub) -> None:
    """Who takes a connection and says nothing is found out, also where the run is shorter than any time limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = _run(_command(hub, people, "--host", host, "-u", "1", "-t", "1s", "--stop-timeout", "1", "LookUp"))
    assert done.returncode == 1, done.stderr + done.stdout
    assert "POST token: no answer when the run ended" in done.stderr + done.stdout
    assert "no requests were made" not in done.stderr


def test_the_rate_is_that_of_the_whole_run(hub: RunningHub, people: Path) -> None:
    """Of four seconds, in which one caller asks at once and then thinks; the time between its first and its last answer is a hundredth of them."""
    done = _run(_command(hub, people, "-u", "1", "-t", "4s", "--think", "1000", "--min-rps", "2", "LookUp"))
    assert done.returncode == 1, done.stderr + done.stdout
    assert "threshold exceeded: --min-rps: " in done.stderr


def test_a_host_that_is_no_address_ends_the_run_before_it_begins(hub: RunningHub, people: Path) -> None:
    """Exit code 2."""
    done = _run(_command(hub, people, "--host", hub.base.removeprefix("http://"), "-t", "1s"))
    assert done.returncode == 2
    assert "--host: " in done.stderr
    assert "Aggregated" not in done.stdout


def test_a_file_that_cannot_be_used_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    """Exit code 2, with the option that names the file."""
    done = _run([str(LOCUST), "--headless", "-t", "1s", "--people", str(tmp_path / "none.json")])
    assert done.returncode == 2
    assert "--people: " in done.stderr
    assert "Aggregated" not in done.stdout


@pytest.fixture(scope="module")
def page(hub: RunningHub, people: Path) -> Iterator[str]:
    """Locust's web page."""
    port = free_port()
    command = [each for each in _command(hub, people, "--web-port", str(port)) if each not in ("--headless", "--only-summary")]
    serving = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        serving.terminate()
        serving.wait(_SECONDS)


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("think", "-1", "--think: -1: a number that is not negative is expected"),
        ("think", "fast", "--think: fast: a number that is not negative is expected"),
        ("seed", "1.5", "--seed: 1.5: a whole number is expected"),
        ("host", "127.0.0.1", "--host: 127.0.0.1: http://HOST:PORT or https://HOST is expected"),
        ("p95_ms", "look-up=fast", "--p95-ms: look-up=fast: a number of milliseconds is expected"),
        ("fail_ratio", "5", "--fail-ratio: 5: a share from 0 to 1 is expected"),
    ],
)
def test_the_web_page_refuses_what_the_command_line_would(page: str, field: str, text: str, told: str) -> None:
    """Before a run begins with it: Locust takes any text that looks like its type, and answers others with its own failure."""
    form = {"user_count": "1", "spawn_rate": "1", "run_time": "1s", field: text}
    # Locust takes some seconds until it listens.
    with httpx2.Client(transport=httpx2.HTTPTransport(retries=8)) as client:
        answer = client.post(f"{page}/swarm", data=form).json()
        assert not answer["success"]
        assert told in answer["message"]
        assert client.get(f"{page}/stats/requests").json()["state"] == "ready"


def test_the_web_page_begins_a_run_with_what_can_be_used(page: str) -> None:
    """Empty thresholds, as the page sends those that nobody fills in, are none."""
    form = {"user_count": "1", "spawn_rate": "1", "run_time": "1s", "think": "0", "seed": "7", "p95_ms": "", "fail_ratio": ""}
    with httpx2.Client(transport=httpx2.HTTPTransport(retries=8)) as client:
        assert client.post(f"{page}/swarm", data=form).json()["success"]


@pytest.mark.parametrize(
    ("option", "others"), [("--web-port", []), ("--master-bind-port", ["--master", "--headless", "-t", "1s"]), ("--master-bind-port", ["--master"])]
)
def test_a_port_in_use_is_told_in_a_line(hub: RunningHub, people: Path, option: str, others: list[str]) -> None:
    """Exit code 2, without a traceback and without a judgement of a run that never began."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [each for each in _command(hub, people, option, port, *others) if each != "--headless" or "--headless" in others]
        done = _run(command)
    assert done.returncode == 2, done.stderr
    assert f"{option}: " in done.stderr
    assert "stop what listens there" in done.stderr
    assert "Traceback" not in done.stderr
    assert "no requests were made" not in done.stderr
