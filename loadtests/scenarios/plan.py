"""What the scenarios ask, out of a TOML file (demo.toml is one); every mistake in it is named before the first request."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_FIELD = re.compile(r"\{(\w+)\}")
DEMO = Path(__file__).with_name("demo.toml")
"""The demonstration's plan."""


class PlanError(ValueError):
    """A file of the load test cannot be used; says which, and why."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Question(_Part):
    """A document, its variables with ``{field}`` of a person in them (other braces stand for themselves), and the paths at which the answer must hold a value."""

    document: str
    variables: dict[str, Any] = Field(default_factory=dict)
    present: tuple[str, ...] = ()

    def filled(self, person: Mapping[str, str]) -> dict[str, Any]:
        """The variables for a person.

        Raises:
            PlanError: a variable names a field that the person lacks.
        """
        return {name: _fill(value, person) for name, value in self.variables.items()}


class Pages(Question):
    """A list, read over ``pages`` pages: ``page_info`` is the path of its ``pageInfo``, ``cursor`` the variable that takes the cursor."""

    page_info: str
    cursor: str = "after"
    pages: int = Field(3, ge=1)


class Claim(Question):
    """A verification that is true; with ``wrong`` in place of some variables it is not, in one call of ``wrong_one_in`` (0: never)."""

    outcome: str
    wrong: dict[str, Any] = Field(default_factory=dict)
    wrong_one_in: int = Field(10, ge=0)


class Exchange(_Part):
    """A batch exchange, asked for its state every so many seconds, and given up after so many."""

    document: str
    format: str = "CSV"
    poll_seconds: float = Field(0.5, gt=0)
    give_up_seconds: float = Field(120, gt=0)


class Refused(Question):
    """A call that must be refused with this status and code; ``headers`` stand for those of a good call, an empty one leaves it out."""

    name: str
    headers: dict[str, str] = Field(default_factory=dict)
    status: int
    code: str


class Plan(_Part):
    """All scenarios."""

    look_up: Question
    list: Pages
    nested: Question
    verify: Claim
    exchange: Exchange
    refused: tuple[Refused, ...] = Field(min_length=1)

    def questions(self) -> Iterator[Question]:
        """Those that are filled in with a person."""
        yield from (self.look_up, self.list, self.nested, self.verify, *self.refused)


def load_plan(path: Path) -> Plan:
    """Reads a plan.

    Raises:
        PlanError: the file is not there, is no TOML, or a key is unknown, missing or ill-formed.
    """
    try:
        return Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise PlanError(f"{path}: {error}") from error
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False))
        raise PlanError(f"{path}: {found}") from None


def _fill(value: Any, person: Mapping[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return _FIELD.sub(lambda found: person[found[1]], value)
    except KeyError as missing:
        raise PlanError(f"a variable of the plan takes the field {missing}, which a person of the people's file lacks") from None
