"""Scalars and types that several parts of the coding-time schema share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from auth.rights import OpenClass, Operation, SharingClass
from schema import scalars
from schema.cursors import Cursors
from schema.faults import bad_input

Date = NewType("Date", object)
DateTime = NewType("DateTime", object)
BigInt = NewType("BigInt", int)
JSON = NewType("JSON", object)

SCALARS: Mapping[object, ScalarDefinition] = {
    Date: strawberry.scalar(name="Date", serialize=scalars.write_text, parse_value=scalars.parse_date, description=scalars.DATE.description),
    DateTime: strawberry.scalar(name="DateTime", serialize=scalars.write_text, parse_value=scalars.parse_datetime, description=scalars.DATETIME.description),
    BigInt: strawberry.scalar(name="BigInt", serialize=scalars.write_bigint, parse_value=scalars.parse_bigint, description=scalars.BIGINT.description),
    JSON: strawberry.scalar(name="JSON", description="任意 JSON\n\nAny JSON"),
}

strawberry.enum(Operation, description="查询、核验、批量交换\n\nquery, verify, exchange")
strawberry.enum(SharingClass, description="共享类型：无条件、有条件、不予共享\n\nSharing class")
strawberry.enum(OpenClass, description="开放类型：普遍开放、授权开放、不开放\n\nOpen class")


@strawberry.type(description="分页信息\n\nAbout a page")
class PageInfo:
    """``PageInfo`` of Relay's connections."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None = None
    end_cursor: str | None = None


@strawberry.type(description="部门\n\nDepartment")
class Department:
    """An organisation that provides or uses data."""

    code: str
    name: str
    name_en: str | None


def page_size(first: int | None, default: int = 50, most: int = 200) -> int:
    """A page size of a list of the hub's own records.

    Raises:
        Fault: ``BAD_INPUT``.
    """
    size = default if first is None else first
    if not 1 <= size <= most:
        raise bad_input(f"first 应为 1 至 {most}", f"first must be 1 to {most}", "更多请用 after 翻页", "page on with after")
    return size


def number_behind(cursors: Cursors, binding: str, after: str | None) -> int | None:
    """The number behind a cursor of such a list.

    Raises:
        Fault: ``BAD_INPUT``.
    """
    if after is None:
        return None
    place: Any = cursors.open(binding.encode(), after)
    return int(place[0])


def cursor_of(cursors: Cursors, binding: str, number: int) -> str:
    """The cursor of the record with this number."""
    return cursors.seal(binding.encode(), [number])
