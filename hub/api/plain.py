"""Strawberry inputs as plain values, and refused acts as faults of the data endpoint."""

from __future__ import annotations

from collections.abc import Awaitable
from enum import Enum
from typing import Any, TypeVar

from hub.catalog.problems import Refused
from schema.faults import Code, Fault

T = TypeVar("T")
_CODES = {"NOT_FOUND": Code.NOT_FOUND, "CONFLICT": Code.CONFLICT, "FORBIDDEN": Code.FORBIDDEN, "FOUR_EYES": Code.FORBIDDEN}
_MOST_PROBLEMS = 20


async def refusing(work: Awaitable[T]) -> T:
    """Awaits an act; its refusal becomes one fault that names every problem, with the code of the first."""
    try:
        return await work
    except Refused as refused:
        shown = refused.problems[:_MOST_PROBLEMS]
        message = "; ".join(f"{each.path}: {each.message}" if each.path else each.message for each in shown)
        hint = "; ".join(dict.fromkeys(each.hint for each in shown if each.hint))
        raise Fault(_CODES.get(shown[0].code, Code.BAD_INPUT), message, message, hint, hint) from None


def plain(given: Any) -> dict[str, Any]:
    """A Strawberry input as plain values, by Python names."""
    return {name: _plain_value(value) for name, value in vars(given).items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Enum):  # before the test for a type: members of a Strawberry enumeration have a definition, too
        return value.value
    if isinstance(value, list):
        return [_plain_value(each) for each in value]
    return plain(value) if hasattr(value, "__strawberry_definition__") else value
