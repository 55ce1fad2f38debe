"""On a running hub: what the dry run says of a document is what the call then does, in masks, sources, resources and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.running import DISTRICT, RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

DRY = """query ($document: String!) { dryRun(document: $document) { wouldRun document refusals { code path }
  resources { resource grant items { code use mask } rowsAtMost } places { path mask } sources { source statements } } }"""
CALLS = "{ calls(first: 1) { nodes { resources rows } } }"
RICH = f"""{{ civilAffairs {{ persons(first: 3, where: {{district: {{eq: "{DISTRICT}"}}}}) {{ totalCount
  nodes {{ idNumber name phone household {{ address }} }} }} }} marketRegulation {{ companies(first: 2) {{ nodes {{ uscc name }} }} }} }}"""


def dry(hub: RunningHub, document: str, **more: Any) -> Any:
    return hub.ask("housing", DRY, {"document": document}, **more).data["dryRun"]


def test_a_call_does_what_its_dry_run_told(hub: RunningHub) -> None:
    told = dry(hub, RICH)
    answer = hub.ask("housing", RICH)
    assert (told["wouldRun"], told["refusals"]) == (True, [])
    assert {place["path"]: place["mask"] for place in told["places"] if place["mask"]} == answer.content["extensions"]["masking"]
    assert {source["source"] for source in told["sources"]} == {source["source"] for source in answer.content["extensions"]["sources"]}
    assert {each["resource"] for each in told["resources"]} == {"civil_affairs.person", "civil_affairs.household", "market_regulation.company"}
    assert answer.data["civilAffairs"]["persons"]["nodes"]


def test_a_dry_run_touches_nothing(hub: RunningHub) -> None:
    """Its answer names no source as asked, and its entry no resource and no row."""
    answer = hub.ask("housing", DRY, {"document": RICH})
    assert set(answer.content["extensions"]) == {"receipt"}
    (entry,) = hub.ask("housing", CALLS).data["calls"]["nodes"]
    assert (entry["resources"], int(entry["rows"])) == ([], 0)


@pytest.mark.parametrize(
    ("document", "headers"),
    [
        (RICH, {"Huitong-Purpose": None}),
        (RICH, {"Huitong-Purpose": "account-opening"}),
        ("{ civilAffairs { persons { nodes { secret } } } }", {}),
        ("{ civilAffairs { persons(first: 100000) { nodes { name } } } }", {}),
        ("{ civilAffairs { persons(first: 10) { nodes { name ", {}),
        ("{ " + "a { " * 12 + "b" + " }" * 12 + " }", {}),
    ],
)
def test_a_call_is_refused_as_its_dry_run_told(hub: RunningHub, document: str, headers: dict[str, str | None]) -> None:
    told = dry(hub, document, headers=headers)
    assert told["wouldRun"] is False
    assert [refusal["code"] for refusal in told["refusals"]] == hub.ask("housing", document, headers=headers).codes


def test_another_callers_dry_run_is_its_own(hub: RunningHub) -> None:
    """What housing may and the public may not is, to the public, a name that does not exist."""
    refused = hub.ask(None, DRY, {"document": RICH}, use=False).data["dryRun"]
    assert [refusal["code"] for refusal in refused["refusals"]] == ["INVALID_DOCUMENT"] * len(refused["refusals"])
    assert refused["resources"] == []
