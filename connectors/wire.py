"""Wire values that have several texts, brought to one form in which equal values are equal and lesser ones come first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.selection import Kind, Order, Undeliverable, Value


def utc_text(value: object) -> str | None:
    """A moment's wire value from ISO 8601 text; without offset it is UTC. Anything else gives null."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return None


def comparable(value: Value, kind: Kind) -> Any:
    """What values of one kind are compared by; null where the value is null or none of its kind. Texts compare by code point."""
    return comparing(kind)(value)


def comparing(kind: Kind) -> Callable[[Value], Any]:
    """:func:`comparable` of one kind, for many values."""
    return _FORMS.get(kind, _known)


def apart(order: Sequence[Order], place: Sequence[Value], other: Sequence[Value]) -> bool:
    """Whether two rows have different places in the order, for whoever orders them: ``1.0`` and ``1.00`` are one decimal."""
    return place != other and any(comparable(one, key.kind) != comparable(two, key.kind) for key, one, two in zip(order, place, other, strict=True))


def _known(value: Value) -> Any:
    return None if value.__class__ is Undeliverable else value


def scrambled(salt: str, value: Value) -> str | None:
    """What a scrambled order compares: MD5 (RFC 1321), in lower-case hex, of the salt and the value's text in UTF-8. Databases have it, and compute the same.

    It shuffles, and protects nothing by itself: nobody is shown it, and the salt is a secret. Null for what cannot be delivered.
    """
    if value is None or isinstance(value, Undeliverable):
        return None
    return hashlib.md5(f"{salt}{value}".encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


_WHOLE, _FRACTION = 60, 60
_NINES = str.maketrans("0123456789", "9876543210")


def decimal_key(value: object) -> str | None:
    """A text that orders and equals as the decimal does, exactly; null where the value is no decimal of at most 60 digits on either side."""
    number = _decimal(value) if isinstance(value, str | int | float) else None
    if number is None or not number.is_finite():
        return None
    whole, _, fraction = format(abs(number), "f").partition(".")
    fraction = fraction.rstrip("0")
    if len(whole) > _WHOLE or len(fraction) > _FRACTION:
        return None
    digits = whole.zfill(_WHOLE) + fraction.ljust(_FRACTION, "0")
    return f"0{digits.translate(_NINES)}" if number < 0 else f"1{digits}"


def keyed_decimal(key: str) -> str:
    """The decimal's text behind a key."""
    digits = key[1:].translate(_NINES) if key[0] == "0" else key[1:]
    whole, fraction = digits[:_WHOLE].lstrip("0") or "0", digits[_WHOLE:].rstrip("0")
    return ("-" if key[0] == "0" else "") + (f"{whole}.{fraction}" if fraction else whole)


def _decimal(value: Value) -> Decimal | None:
    if value is None:
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


_FORMS: dict[Kind, Callable[[Value], Any]] = {Kind.DATETIME: utc_text, Kind.DECIMAL: _decimal}
