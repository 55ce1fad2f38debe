"""The documents that the console opens with, run as they stand against the demonstration by the application that they are meant for."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]
_SOURCE = (Path(__file__).parents[2] / "hub/console/src/documents.ts").read_text("utf-8")
TEXTS = dict(re.findall(r"^const (\w+) = `(.*?)`;$", _SOURCE, re.DOTALL | re.MULTILINE))
DATA = re.findall(r"query: (\w+)", _SOURCE.partition("function defaultTabs")[2])


def variables(hub: RunningHub, name: str) -> dict[str, object]:
    """Of a document; what the page leaves empty is filled in."""
    given = json.loads(TEXTS.get(f"{name}_VARIABLES", "{}"))
    return {**given, "idNumber": hub.samples["persons"][0]["id_number"], "name": "某某"} if name == "VERIFY" else given


def test_every_document_is_in_a_tab_and_told_in_both_languages() -> None:
    assert {name for name in TEXTS if not name.endswith("_VARIABLES")} == {*DATA}
    for name in DATA:
        comment = "".join(line for line in TEXTS[name].splitlines() if line.startswith("#"))
        assert re.search(r"[\u4e00-\u9fff]{4}", comment), name
        assert re.search(r"[a-z]{4}.*[a-z]{4}", comment), name


@pytest.mark.parametrize("name", [name for name in DATA if name != "GOVERNANCE"])
def test_it_runs_as_it_stands(hub: RunningHub, name: str) -> None:
    assert hub.ask("housing", TEXTS[name], variables(hub, name)).data


def test_an_exchange_that_was_started_can_be_followed_to_its_files(hub: RunningHub) -> None:
    begun = hub.ask("housing", TEXTS["EXCHANGE"], variables(hub, "EXCHANGE")).data["startExchange"]["exchange"]["id"]
    until = time.monotonic() + 120
    while True:
        (found,) = [each for each in hub.ask("housing", TEXTS["PROGRESS"]).data["exchanges"]["nodes"] if each["id"] == begun]
        if found["state"] not in ("QUEUED", "RUNNING", "PAUSED") or time.monotonic() > until:
            break
        time.sleep(0.1)
    assert found["state"] == "SUCCEEDED", found
    assert found["files"][0]["url"] == f"/exchanges/{begun}/files/data.csv"
