"""A caller: an application's connection to the hub, its token, its headers of use, and judgement of what comes back."""

from __future__ import annotations

import itertools
import json
import random
from argparse import Namespace
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from locust import FastHttpUser
from locust.contrib.fasthttp import FastResponse
from locust.exception import RescheduleTask

from loadtests.scenarios import answers
from loadtests.scenarios.address import address
from loadtests.scenarios.awaiting import awaited
from loadtests.scenarios.people import Application, Draw, Person, load_application, load_people
from loadtests.scenarios.plan import Plan, load_plan
from loadtests.scenarios.tokens import Granted, TokenCache

_GRAPHQL = "application/graphql-response+json"
_numbers = itertools.count()
_tokens = TokenCache()


@cache
def _world(plan: str, credentials: str, application: str, people: str) -> tuple[Plan, Application, list[Person]]:
    asked, persons = load_plan(Path(plan)), load_people(Path(people), application)
    for question in asked.questions():
        for person in persons:
            question.filled(person)
    return asked, load_application(Path(credentials), application), persons


def world(options: Namespace) -> tuple[Plan, Application, list[Person]]:
    """Plan, application and persons that the options name; read once for a process.

    Raises:
        PlanError: a file is missing or wrong, or the files do not fit one another.
    """
    return _world(options.plan, options.credentials, options.application, options.people)


def received(response: FastResponse) -> Any:
    """The body as JSON, or why there is none."""
    return answers.read(response.content, None if response.status_code else getattr(response, "error", None))


class Caller(FastHttpUser):
    """One of the application's concurrent calls, with a connection of its own. ``pause``: least and most seconds of thinking."""

    abstract = True
    insecure = False
    pause = (0.5, 1.5)

    plan: Plan
    application: Application
    draw: Draw
    think: float

    def on_start(self) -> None:
        """Takes what the options name. What a worker lacks of it is an exception there, of which its master learns, so that the run does not pass."""
        options = self.environment.parsed_options
        # The web page may have changed it.
        self.client.base_url = address(self.client.base_url or "")
        self.plan, self.application, people = world(options)
        process = getattr(self.environment.runner, "worker_index", 0)
        self.draw = Draw(people, options.seed, process, next(_numbers))
        self.think = options.think
        # Locust draws tasks by the interpreter's own generator.
        random.seed(f"{options.seed}/{process}")

    def wait_time(self) -> float:
        """Seconds until the next task."""
        return self.draw.seconds(*self.pause) * self.think

    def ask(self, name: str, document: str, variables: Mapping[str, Any], wrong: answers.Judge, headers: Mapping[str, str] | None = None) -> Any:
        """Asks, counts the answer under the name as a success or, with what ``wrong`` finds, as a failure, and returns it. After a failure the task ends."""
        body = json.dumps({"query": document, "variables": dict(variables)})
        sent = {"Content-Type": "application/json", "Accept": _GRAPHQL, **self.authorized(), **self.application.headers(), **(headers or {})}
        told = {key: value for key, value in sent.items() if value}
        with awaited(self, "POST", name), self.client.post("/graphql", data=body, headers=told, name=name, catch_response=True) as response:
            answer = received(response)
            finding = wrong(response.status_code, answer)
            if finding is None:
                response.success()
            else:
                response.failure(finding)
        if finding is not None:
            if response.status_code == 401:
                _tokens.forget(sent["Authorization"].removeprefix("Bearer "))
            raise RescheduleTask
        return answer

    def authorized(self) -> dict[str, str]:
        """The header with a live token."""
        return {"Authorization": f"Bearer {_tokens.get(self._fetch)}"}

    def _fetch(self) -> Granted:
        app = self.application
        proof = (app.client_id, app.client_secret)
        with (
            awaited(self, "POST", "token"),
            self.client.post("/oauth/token", data="grant_type=client_credentials", headers=_FORM, auth=proof, name="token", catch_response=True) as response,
        ):
            answer = received(response)
            if response.status_code == answers.OK and isinstance(answer, Mapping) and "access_token" in answer:
                response.success()
                return Granted(str(answer["access_token"]), float(answer.get("expires_in", 60)))
            response.failure(answers.told(response.status_code, answer))
        raise RescheduleTask


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
