"""Whole HTTP requests of a round, drawn from a seed: arguments by the hundred, a document that is another in every round."""

from __future__ import annotations

import random
from dataclasses import replace

from loadtests.city import City
from loadtests.comparison.cold import new_document
from loadtests.comparison.servers import Server
from loadtests.comparison.tasks import Task
from loadtests.peers.workloads import request

PREPARED = 500
TOKENS = 4000
"""More than a server answers in a round: none of them is used twice."""
_HEAD = (
    b"POST %b HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept: application/graphql-response+json, application/json;q=0.9\r\n"
    b"%bcontent-length: %d\r\n\r\n%b"
)


def prepared(server: Server, task: Task, city: City, number: int) -> list[bytes]:
    """The requests of a round, whole. All servers get the same arguments in the same order."""
    every = drawn(server.dialect, task, city, number, PREPARED)
    count = PREPARED if task.tokens == "one" else TOKENS
    heads = server.heads(number, count, task.tokens)
    return [whole(*every[n % PREPARED], heads[n % len(heads)]) for n in range(count)]


def drawn(dialect: str, task: Task, city: City, number: int, count: int) -> list[tuple[str, bytes]]:
    """(path, body) of the first requests of a round."""
    draw = random.Random(f"{city.seed} {task.code} {number}")  # noqa: S311 - which records are asked for
    if task.unique:
        return [new_document(draw, city) for _ in range(count)]
    asked = replace(city, round=number)
    return [request(dialect, task.workload, draw, asked) for _ in range(count)]


def whole(path: str, body: bytes, heads: bytes = b"") -> bytes:
    """One request as it goes over the connection. ``heads``: further lines, each with its end."""
    return _HEAD % (path.encode("ascii"), heads, len(body), body)
