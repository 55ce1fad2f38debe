"""Strawberry inputs as plain values, and refused acts as faults of the data endpoint."""

from __future__ import annotations

from collections.abc import Awaitable
from enum import Enum
from typing import Any, TypeVar

from hub.catalog.problems import Refused
from schema.faults import Code, Fault

T = TypeVar("T")
_CODES = {"NOT_FOUND": Code.NOT_FOUND, "CONFLICT": Code.CONFLICT, "FORBIDDEN": Code.FORBIDDEN, "FOUR_EYES": Code.FORBIDDEN}


async def refusing(work: Awaitable[T]) -> T:
    """Awaits an act; its refusal becomes a fault that names the first problem."""
    try:
        return await work
    except Refused as refused:
        first = refused.problems[0]
        where = f"{first.path}: " if first.path else ""
        raise Fault(_CODES.get(first.code, Code.BAD_INPUT), f"{where}{first.message}", f"{where}{first.message}", first.hint, first.hint) from None


def plain(given: Any) -> dict[str, Any]:
    """A Strawberry input as plain values, by Python names."""
    return {name: _plain_value(value) for name, value in vars(given).items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Enum):  # before the test for a type: members of a Strawberry enumeration have a definition, too
        return value.value
    if isinstance(value, list):
        return [_plain_value(each) for each in value]
    return plain(value) if hasattr(value, "__strawberry_definition__") else value
