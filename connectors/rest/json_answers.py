"""JSON answers (RFC 8259). One value that JSON or the hub cannot hold costs its own place, not the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from connectors.errors import SourceRefused
from connectors.rest import values
from connectors.rest.charsets import utf8
from connectors.rest.density import MOST_VALUES, too_many_values
from connectors.rest.paths import element, joined, split
from connectors.selection import UNDELIVERABLE, Kind, Undeliverable

_ESCAPED = re.compile("[\udc80-\udcff]")
"""Bytes that are no UTF-8, as they are decoded."""
_MOST_DIGITS = 1000
_DEEPEST = 8


class Json:
    """See :class:`connectors.rest.answers.Format`."""

    accept = "application/json"
    readers: Mapping[Kind, values.Reader] = values.JSON

    async def parse(self, source: str, body: bytes, charset: str | None, exact: bool, assumed: str = "utf-8") -> Any:
        """Fast where all is well; else, and where numbers must keep their digits, by the standard library's parser."""
        body = utf8(body, charset or assumed)
        if too_many_values(body):
            raise SourceRefused(source, f"the service's answer holds more than {MOST_VALUES} values; lower `max_page`")
        try:
            return _patient(body) if exact else orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
        except (ValueError, RecursionError) as error:
            raise _no_json(source, body, error) from error
        try:
            return _patient(body)
        except (ValueError, RecursionError) as error:
            raise _no_json(source, body, error) from error

    def items(self, document: Any, path: str) -> list[Any] | None:
        """The array at the path."""
        found = self.at(document, path)
        return found if isinstance(found, list) else None

    def at(self, item: Any, path: str) -> Any:
        """By names of members, and places in arrays."""
        for name in split(path):
            if isinstance(item, dict):
                item = item.get(name)
            elif isinstance(item, list) and (place := element(name)) is not None:
                item = item[place] if place < len(item) else None
            else:
                return None
        return item

    def is_item(self, item: Any) -> bool:
        """Objects, and arrays with a place per column."""
        return isinstance(item, dict | list)

    def alike(self, items: Sequence[Any], others: Sequence[Any]) -> bool:
        """By their values."""
        return items == others

    def flat(self, item: Any) -> Iterator[tuple[str, Any]]:
        """Members, and members of members; of an array its places."""
        return _flat({str(place): each for place, each in enumerate(item)} if isinstance(item, list) else item, ())


def whole(digits: str) -> int | Undeliverable:
    """A whole number as JSON writes it, unless it is so long that reading it alone would take long."""
    return int(digits) if len(digits) <= _MOST_DIGITS else UNDELIVERABLE


def number(digits: str) -> Decimal | Undeliverable:
    """A number as JSON writes it, unless its exponent is beyond what is counted with."""
    try:
        return Decimal(digits)
    except InvalidOperation:
        return UNDELIVERABLE


def _patient(body: bytes) -> Any:
    # Bytes that are no UTF-8 become lone surrogates, as `\ud800` does: the text that holds them is the one that cannot be delivered.
    text = body.decode("utf-8", "surrogateescape")
    return json.loads(
        text,
        parse_float=number,
        parse_int=whole,
        parse_constant=lambda _name: UNDELIVERABLE,
        object_pairs_hook=_named if _ESCAPED.search(text) else None,
    )


def _named(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. A member whose name cannot be read would be taken for one that is not there, and so for null.

    Raises:
        UnicodeEncodeError: the name is no UTF-8.
    """
    for name, _ in members:
        name.encode()
    return dict(members)


def _no_json(source: str, body: bytes, error: Exception) -> SourceRefused:
    if isinstance(error, UnicodeEncodeError):
        return SourceRefused(
            source,
            "the names in the service's answer are no UTF-8; it must say what they are, by `charset=GBK` in its Content-Type, or the endpoint by `charset`",
        )
    if body.lstrip()[:1] == b"<":
        return SourceRefused(source, "the service's answer is no JSON but a page of HTML or XML; check `path`, `format` and `auth`")
    return SourceRefused(source, "the service's answer is no JSON, or was cut off")


def _flat(item: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, value in item.items() if isinstance(item, dict) else ():
        if isinstance(value, dict) and len(names) < _DEEPEST:
            yield from _flat(value, (*names, name))
        else:
            yield joined((*names, name)), value
