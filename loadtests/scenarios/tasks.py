"""What callers do: one function for each scenario, tagged by its name."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from locust import tag
from locust.exception import RescheduleTask

from loadtests.scenarios import answers
from loadtests.scenarios.awaiting import awaited
from loadtests.scenarios.caller import Caller, received
from loadtests.scenarios.plan import Question

_START = "mutation ($input: StartExchangeInput!) { startExchange(input: $input) { exchange { id state } } }"
_STATE = "query ($id: ID!) { exchange(id: $id) { state reason files { url bytes sha256 } } }"
_RUNNING = ("QUEUED", "RUNNING", "PAUSED")
_DONE = "SUCCEEDED"
JOB = "JOB"
"""Type under which a whole exchange is counted, from its start to the file; no request, so that no threshold for all requests counts it."""


@tag("look-up")
def look_up(caller: Caller) -> None:
    """One person by ID number."""
    _question(caller, "look-up", caller.plan.look_up)


@tag("nested")
def nested(caller: Caller) -> None:
    """One person, with what other departments' systems hold of them."""
    _question(caller, "nested", caller.plan.nested)


@tag("list")
def pages(caller: Caller) -> None:
    """A list, page by page."""
    question, cursor = caller.plan.list, None
    for number in range(question.pages):
        variables = question.filled(caller.draw.person()) | {question.cursor: cursor}
        answer = caller.ask("list: next page" if number else "list", question.document, variables, answers.answering(question.present))
        info = answers.at(answer, question.page_info) or {}
        if not info.get("hasNextPage"):
            return
        cursor = info["endCursor"]


@tag("verify")
def verify(caller: Caller) -> None:
    """A claim about a person, true or, now and then, wrong."""
    claim, false = caller.plan.verify, caller.draw.due(caller.plan.verify.wrong_one_in)
    variables = claim.filled(caller.draw.person()) | (claim.wrong if false else {})
    outcome = {claim.outcome: "MISMATCH" if false else "MATCH"}
    name = "verify: wrong claim" if false else "verify: true claim"
    caller.ask(name, claim.document, variables, answers.answering(claim.present, outcome))


@tag("refused")
def refused(caller: Caller) -> None:
    """A call that the hub has to refuse."""
    case = caller.draw.next_of(caller.plan.refused)
    variables = case.filled(caller.draw.person())
    caller.ask(f"refused: {case.name}", case.document, variables, answers.refusing(case.status, case.code), case.headers)


@tag("exchange")
def exchange(caller: Caller) -> None:
    """A batch exchange: started, followed, its file downloaded and compared with its digest."""
    plan, began, began_at = caller.plan.exchange, time.perf_counter(), time.time()
    asked = {"document": plan.document, "format": plan.format, "idempotencyKey": caller.draw.key()}
    answer = caller.ask("exchange: start", _START, {"input": asked}, answers.answering(["startExchange.exchange.id"]))
    found = _followed(caller, answers.at(answer, "startExchange.exchange.id"), began + plan.give_up_seconds)
    size = sum(_downloaded(caller, file) for file in found["files"])
    caller.environment.events.request.fire(
        request_type=JOB,
        name="exchange: whole",
        response_time=(time.perf_counter() - began) * 1000,
        response_length=size,
        exception=None,
        context={},
        start_time=began_at,
        url="/graphql",
        response=None,
    )


def _question(caller: Caller, name: str, question: Question) -> None:
    variables = question.filled(caller.draw.person())
    caller.ask(name, question.document, variables, answers.answering(question.present))


def _followed(caller: Caller, job: str, until: float) -> Any:
    def wrong(status: int, body: Any) -> str | None:
        state = answers.at(body, "exchange.state")
        if finding := answers.answering(["exchange.state"])(status, body):
            return finding
        if state in _RUNNING and time.perf_counter() > until:
            return f"given up in state {state}"
        return None if state in (*_RUNNING, _DONE) else f"ended as {state}"

    while True:
        answer = caller.ask("exchange: state", _STATE, {"id": job}, wrong)
        if answers.at(answer, "exchange.state") == _DONE:
            return answers.at(answer, "exchange")
        time.sleep(caller.plan.exchange.poll_seconds)


def _downloaded(caller: Caller, file: Any) -> int:
    name, headers = "exchange: download", caller.authorized()
    with awaited(caller, "GET", name), caller.client.get(file["url"], headers=headers, name=name, catch_response=True) as response:
        content = response.content or b""
        if response.status_code != answers.OK:
            response.failure(answers.told(response.status_code, received(response)))
        elif hashlib.sha256(content).hexdigest() != file["sha256"]:
            response.failure("the file is not the one whose digest was told")
        else:
            response.success()
            return len(content)
    raise RescheduleTask
