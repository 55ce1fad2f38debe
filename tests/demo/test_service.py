"""The REST service as a process of its own: pages, filters, keys, refusals, and its end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hub.demo.city import City
from hub.demo.launch import RunningService, ServiceFailed, start_service
from hub.demo.seed import DemoData

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(demo: DemoData) -> Iterator[RunningService]:
    with start_service(demo.databases["human_resources"]) as running:
        yield running


@pytest.fixture(scope="module")
def records(city: City) -> Any:
    return city["human_resources.social_insurance"]


def _get(service: RunningService, path: str, **parameters: str | int) -> Any:
    answer = httpx2.get(service.url + path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _numbers(answer: Any) -> list[str]:
    return [item["record_no"] for item in answer["items"]]


def test_pages_by_offset_give_every_record_once(service: RunningService, records: Any) -> None:
    seen: list[str] = []
    while page := _numbers(_get(service, "/social-insurance", limit=170, offset=len(seen))):
        seen += page
    assert seen == [record.record_no for record in records]


def test_pages_by_position_give_every_record_once(service: RunningService, records: Any) -> None:
    seen: list[str] = []
    while page := _numbers(_get(service, "/social-insurance", limit=170, after=seen[-1] if seen else "")):
        seen += page
    assert seen == [record.record_no for record in records]


def test_a_record_comes_whole_and_exact(service: RunningService, records: Any) -> None:
    first = records[0]
    assert _get(service, f"/social-insurance/{first.record_no}") == {
        "record_no": first.record_no,
        "id_number": first.id_number,
        "employer_uscc": first.employer_uscc,
        "insured_since": first.insured_since.isoformat(),
        "state": first.state,
        "base": str(first.base),
        "district": first.district,
        "updated_at": first.updated_at.isoformat(),
        "internal_note": first.internal_note,
    }


def test_equality_filters_select_and_combine(service: RunningService, records: Any) -> None:
    wanted = [record.record_no for record in records if record.district == "520102" and record.state == "暂停缴费"]
    answer = _get(service, "/social-insurance", district="520102", state="暂停缴费", limit=1000, count="true")
    assert wanted
    assert _numbers(answer) == wanted
    assert answer["total"] == len(wanted)


def test_the_total_ignores_the_page(service: RunningService, records: Any) -> None:
    answer = _get(service, "/social-insurance", limit=2, after=records[4].record_no, count="true")
    assert _numbers(answer) == [records[5].record_no, records[6].record_no]
    assert answer["total"] == len(records)


def test_several_keys_are_looked_up_at_once(service: RunningService, records: Any) -> None:
    chosen = [records[index] for index in (9, 3, 40)]
    answer = _get(service, "/social-insurance", id_number_in=",".join(record.id_number for record in chosen) + ",520102190001010000")
    assert _numbers(answer) == sorted(record.record_no for record in chosen)


def test_a_single_value_is_never_split(service: RunningService, records: Any) -> None:
    assert _numbers(_get(service, "/social-insurance", record_no=f"{records[0].record_no},{records[1].record_no}")) == []


def test_vacancies_are_served_too(service: RunningService) -> None:
    answer = _get(service, "/vacancies", limit=1000, offset=1000, count="true")
    assert answer["total"] == 2000
    assert len(answer["items"]) == 1000
    assert isinstance(answer["items"][0]["headcount"], int)
    assert answer["items"][0]["monthly_pay"].endswith(".00")


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=%C2%B2", "limit"),
        ("offset=-1", "offset"),
        ("offset=99999999999999999999", "offset"),
        ("limt=10", "limt"),
        ("base=5000", "base"),
        ("id_number_in=" + ",".join(["1"] * 201), "id_number_in"),
    ],
)
def test_bad_parameters_are_named(service: RunningService, query: str, word: str) -> None:
    answer = httpx2.get(f"{service.url}/social-insurance?{query}")
    assert answer.status_code == 400
    assert word in answer.json()["error"]


def test_what_does_not_exist_is_not_found(service: RunningService) -> None:
    assert httpx2.get(service.url + "/social-insurance/SB0").status_code == 404
    assert httpx2.get(service.url + "/persons").status_code == 404


def test_nothing_can_be_written(service: RunningService) -> None:
    assert httpx2.post(service.url + "/vacancies", json={}).status_code == 405


def test_it_ends_when_its_parent_closes_the_input(demo: DemoData) -> None:
    running = start_service(demo.databases["human_resources"])
    assert running.running
    running.close()
    running.close()
    assert not running.running


def test_it_ends_when_its_parent_is_killed(demo: DemoData, tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom hub.demo.launch import start_service\n"
        "service = start_service(Path(sys.argv[1]))\nprint(service.url, flush=True)\ntime.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(demo.databases["human_resources"])], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    with parent.stdout:
        url = parent.stdout.readline().strip()
        assert httpx2.get(url + "/health").json() == {"status": "ok"}
        parent.kill()
        parent.wait()
        _wait_until_gone(url)


def _wait_until_gone(url: str) -> None:
    for _ in range(200):
        try:
            httpx2.get(url + "/health", timeout=1)
        except httpx2.TransportError:
            return
        time.sleep(0.05)
    pytest.fail("the service still answers after its parent's end")


def test_a_port_in_use_is_said(service: RunningService, demo: DemoData, capfd: pytest.CaptureFixture[str]) -> None:
    port = int(service.url.rpartition(":")[2])
    with pytest.raises(ServiceFailed, match=str(port)):
        start_service(demo.databases["human_resources"], port)
    assert "in use" in capfd.readouterr().err


def test_a_missing_database_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ServiceFailed):
        start_service(tmp_path / "none.db")
    assert "seed the demonstration first" in capfd.readouterr().err


def test_it_prints_its_port_as_one_json_line_and_no_numbers_of_people(demo: DemoData, records: Any) -> None:
    command = [sys.executable, "-m", "hub.demo.service", "--db", str(demo.databases["human_resources"])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = json.loads(process.stdout.readline())["port"]
        httpx2.get(f"http://127.0.0.1:{port}/social-insurance", params={"id_number": records[0].id_number})
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert records[0].id_number not in out + err
