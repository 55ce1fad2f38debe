"""Whom the scenarios ask for: persons out of a file, drawn at random from a seed, and the application that asks."""

from __future__ import annotations

import json
import math
import random
import secrets
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from loadtests.scenarios.plan import PlanError

Person = dict[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Application:
    """Who asks: client credentials, a purpose and an operator."""

    client_id: str
    client_secret: str
    purpose: str
    operator: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Application({self.client_id!r})"

    def headers(self) -> dict[str, str]:
        """The headers of use."""
        return {"Huitong-Purpose": self.purpose, "Huitong-Operator": quote(self.operator)}


def load_application(path: Path, name: str) -> Application:
    """The application of a name in a ``credentials.json``.

    Raises:
        PlanError: the file or the application is not there, or lacks something.
    """
    entries = _read(path, "--credentials")
    found = next((each for each in entries if each.get("name") == name), None) if isinstance(entries, list) else None
    if found is None:
        raise PlanError(f"{path} has no application {name}: name one of it by --application")
    try:
        return Application(found["client_id"], found["client_secret"], found["purposes"][0], found["operator"])
    except (KeyError, IndexError) as missing:
        raise PlanError(f"{path}: application {name} lacks {missing}") from None


def load_people(path: Path, application: str) -> list[Person]:
    """The persons of a file (the shape of ``samples.json``) whom the application may see; a person without ``visible_to`` may be seen by all.

    Raises:
        PlanError: the file is not there, or no such person is in it.
    """
    content = _read(path, "--people")
    persons = content.get("persons", []) if isinstance(content, dict) else []
    seen = [{key: value for key, value in each.items() if isinstance(value, str)} for each in persons if application in each.get("visible_to", [application])]
    if not seen:
        raise PlanError(f"{path} names no person whom {application} may see")
    return seen


class Draw:
    """One caller's own draw: the same seed, process and number of the caller draw the same."""

    def __init__(self, people: Sequence[Person], seed: int, process: int, number: int) -> None:
        self._people = people
        # What is drawn is a sample, not a secret.
        self._random = random.Random(f"{seed}/{process}/{number}")
        self._turns: dict[str, int] = {}

    def person(self) -> Person:
        """Anybody of the file, at random: numbers in sequence look like scraping (docs/anomalies.md)."""
        return self._random.choice(self._people)

    def due(self, times: int) -> bool:
        """True once in so many times, never for 0; the first time is drawn."""
        return times > 0 and self._turn("due", times) == 0

    def seconds(self, least: float, most: float) -> float:
        """A time of thinking."""
        return self._random.uniform(least, most)

    def key(self) -> str:
        """A text that no other draw gives, nor the same one in another run: the hub would answer with that run's exchange."""
        return f"load-{secrets.token_hex(12)}"

    def next_of(self, things: Sequence[T]) -> T:
        """One after the other, round and round; the first is drawn."""
        return things[self._turn("next", len(things))]

    def _turn(self, what: str, length: int) -> int:
        place = self._turns.get(what, self._random.randrange(length))
        self._turns[what] = (place + 1) % length
        return place


def _read(path: Path, option: str) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise PlanError(f"{option}: {error}") from error


def factor(text: str) -> float:
    """What times of thinking are multiplied by.

    Raises:
        ArgumentTypeError: it is no number, or one by which callers would not think, or for ever.
    """
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise ArgumentTypeError(f"{text}: a number that is not negative is expected; 0: no thinking")
    return found


def whole(text: str) -> int:
    """What draws follow from.

    Raises:
        ArgumentTypeError: it is no whole number.
    """
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text}: a whole number is expected") from None
