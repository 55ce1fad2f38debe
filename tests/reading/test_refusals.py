"""LOG-10: what an interface refuses is in the log, as often as it was answered with 4xx: by an entry of its own, or counted in a rollup."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reading.world import World, by_itself

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
JSON = {"accept": "application/graphql-response+json"}
FOREIGN = {"authorization": "Bearer foreign"}
ASKED = "{ ledger { nodes { entry } } }"


def requests(own: dict[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
    """What is refused, each another way; ``own`` are the headers of an application."""
    asked = [(headers, text) for headers in (own, {}, FOREIGN) for text in ("{ nothing }", "{ civil { persons { nodes { name } } } }")]
    paths = ("/ledger/export?view=all", "/ledger/export?view=mine", "/ledger/export?from=x", "/exchanges/none/manifest.json", "/exchanges/none/events")
    return [
        *(("POST", "/graphql", {"json": {"query": text}, "headers": {**headers, **JSON}}) for headers, text in asked),
        *(("POST", "/governance/graphql", {"json": {"query": ASKED}, "headers": {**headers, **JSON}}) for headers in (own, {}, FOREIGN)),
        *(
            ("POST", "/graphql", {"content": b"{", "headers": {**headers, **JSON, "content-type": kind}})
            for headers in (own, {})
            for kind in ("application/json", "a/b")
        ),
        *(("GET", path, {"headers": headers}) for path in paths for headers in (own, {}, FOREIGN)),
        ("GET", "/ledger/export", {"headers": {**own, "huitong-purpose": "!"}}),
        ("GET", "/graphql", {"headers": own}),
        ("POST", "/oauth/token", {"data": {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}}),
    ]


async def test_refusals_of_the_log_are_the_answers_with_4xx(world: World) -> None:
    rollup = world.core.log.rollup
    await rollup.flush()
    before = world.all_entries()[-1].seq
    sent = requests(world.headers("rents"))
    answers = [(await world.http.request(method, path, **given)).status_code for method, path, given in sent]
    await rollup.flush()
    assert [(one, status) for one, status in zip(sent, answers, strict=True) if not 400 <= status < 500] == []
    # What the hub does by itself meanwhile has entries of its own: whoever asks so much at night is an anomaly, and a day's usage is summed up.
    new = [each.content for each in world.all_entries() if each.seq > before and not by_itself(each)]
    told: list[Any] = [each.details["total"] for each in new if each.kind == "rollup" and each.details]
    assert len([each for each in new if each.kind == "deny"]) + sum(told) == len(sent)
    told_besides = [(each.operation, each.operator, each.details) for each in new if each.kind not in ("deny", "rollup")]
    assert told_besides == [], "nothing was begun"
