"""Before anything is measured: all servers say the same, and none errs when many ask at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx2

from loadtests.city import City
from loadtests.comparison.catalog import MASKED
from loadtests.comparison.requests import drawn
from loadtests.comparison.servers import Server
from loadtests.comparison.tasks import Task
from loadtests.peers.workloads import normal

_COMPARED = 3
_ROUND = 1000
"""No round that is measured asks for the same."""


class Unlike(RuntimeError):
    """Servers do not answer the same, or one errs; comparing them would be worth nothing."""


def agree(servers: Sequence[Server], tasks: Sequence[Task], city: City) -> list[str]:
    """What was compared, a line for each workload.

    Raises:
        Unlike: see there.
    """
    said = []
    for task in {task.workload: task for task in tasks if not task.unique}.values():
        taking_part = [server for server in servers if server.name in task.servers]
        answers = {server.name: asyncio.run(_ask(server, task, city, _COMPARED)) for server in taking_part}
        if not answers:
            continue
        first, *others = answers
        for other in others:
            if answers[other] != answers[first]:
                raise Unlike(f"{task.workload}: {first} and {other} differ: {_difference(answers[first], answers[other])}")
        said.append(f"{task.workload}: {', '.join(answers)}")
    return said


def carry(servers: Sequence[Server], tasks: Sequence[Task], city: City, at_once: int) -> dict[tuple[str, str], str]:
    """Asks each server for much at once, as it will be asked; what is wrong, by task and server."""
    wrong = {}
    for task in tasks:
        for server in servers:
            if server.name in task.servers:
                try:
                    asyncio.run(_ask(server, task, city, min(at_once, 3 * task.connections)))
                except (Unlike, httpx2.HTTPError, ValueError) as fault:
                    wrong[task.code, server.name] = f"{server.name} {task.code}: {fault!r}"
    return wrong


def check_masks(masked: Server, clear: Server, city: City) -> str:
    """That exactly as many items differ as should, in a list.

    Raises:
        Unlike: it is not so.
    """
    task = Task("masks", "W2", 1, "", "")
    one, other = (asyncio.run(_ask(server, task, city, 1))[0] for server in (masked, clear))
    if not isinstance(one, list) or not isinstance(other, list):
        raise Unlike("W2 gives no lists")
    differ = {name for mine, theirs in zip(one, other, strict=True) for name in theirs if mine[name] != theirs[name]}
    if len(differ) != MASKED:
        raise Unlike(f"{len(differ)} items are masked: {', '.join(sorted(differ))}")
    return f"W2, masked in the first round: {', '.join(sorted(differ))}"


async def _ask(server: Server, task: Task, city: City, count: int) -> list[object]:
    heads = server.heads(_ROUND, 1, "one")[0].decode("ascii").strip()
    given = dict(line.split(": ", 1) for line in heads.split("\r\n")) if heads else {}
    given |= {"content-type": "application/json", "accept": "application/graphql-response+json, application/json;q=0.9"}
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60, limits=httpx2.Limits(max_connections=count)) as client:
        asked = drawn(server.dialect, task, city, _ROUND, count)
        answers = await asyncio.gather(*(client.post(path, content=body, headers=given) for path, body in asked))
    for answer in answers:
        if answer.status_code != 200 or b'"errors"' in answer.content:
            said = answer.text[max(0, answer.text.find('"errors"')) :]
            raise Unlike(f"{server.name} answers {task.code} with {answer.status_code}: {said[:500]}")
    return [answer.content if task.unique else normal(server.dialect, task.workload, answer.content) for answer in answers]


def _difference(one: list[object], other: list[object]) -> str:
    for mine, theirs in zip(one, other, strict=True):
        if mine != theirs:
            return f"{str(mine)[:400]} against {str(theirs)[:400]}"
    return "nothing"
