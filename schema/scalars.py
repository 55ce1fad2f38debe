"""Custom scalars. Inside the hub they are wire values (see ``connectors.selection``): dates and decimals are text, big integers are ``int``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import GraphQLError, GraphQLScalarType, ValueNode, value_from_ast_untyped

_SAFE = 2**53
_LARGEST = 2**63
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_INTEGER = re.compile(r"-?\d{1,38}\Z")
_DECIMAL = re.compile(r"-?\d{1,38}(\.\d{1,38})?\Z")


def parse_date(value: Any) -> str:
    """ISO 8601 calendar date text (``2026-11-22``), checked."""
    if isinstance(value, str) and _DATE.match(value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    raise GraphQLError(f"Date must be ISO 8601 text like 2026-11-22, not {_shown(value)}.")


def parse_datetime(value: Any) -> str:
    """ISO 8601 text with offset, turned to UTC."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC).isoformat()
        except (ValueError, OverflowError):
            pass
    raise GraphQLError(f"DateTime must be ISO 8601 text with offset like 2026-11-22T08:00:00+08:00, not {_shown(value)}.")


def parse_decimal(value: Any) -> str:
    """Exact decimal text; integers are accepted, floats are not (they are not exact)."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and _DECIMAL.match(value):
        try:
            return format(Decimal(value), "f")
        except InvalidOperation:
            pass
    raise GraphQLError(f'Decimal must be text like "12.50", not {_shown(value)}.')


def parse_bigint(value: Any) -> int:
    """An integer of 64 bits, or its text where it is beyond 2^53."""
    if isinstance(value, str) and _INTEGER.match(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST:
        return value
    raise GraphQLError(f"BigInt must be an integer of 64 bits or its text, not {_shown(value)}.")


def write_bigint(value: Any) -> int | str:
    """A number up to 2^53, text beyond: no JSON reader loses a digit."""
    number = int(value)
    return number if -_SAFE <= number <= _SAFE else str(number)


def write_text(value: Any) -> str:
    """Wire text as it is; dates and moments of the hub's own records in ISO 8601."""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _literal(parse: Any) -> Any:
    def coerce(node: ValueNode) -> Any:
        return parse(value_from_ast_untyped(node))

    return coerce


def _scalar(name: str, description: str, write: Any, parse: Any) -> GraphQLScalarType:
    return GraphQLScalarType(name, coerce_output_value=write, coerce_input_value=parse, coerce_input_literal=_literal(parse), description=description)


DATE = _scalar("Date", "日期,ISO 8601\n\nISO 8601 date", write_text, parse_date)
DATETIME = _scalar("DateTime", "时间,ISO 8601,带时区\n\nISO 8601 date and time with offset", write_text, parse_datetime)
DECIMAL = _scalar("Decimal", "十进制数，以字符串精确表示\n\nExact decimal as text", write_text, parse_decimal)
BIGINT = _scalar("BigInt", "大整数，超过 2^53 时为字符串\n\nInteger; text beyond 2^53", write_bigint, parse_bigint)
