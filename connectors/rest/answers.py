"""Answers of a service in one of the formats that the catalog knows, and their items as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from connectors.errors import SourceRefused
from connectors.rest import dates
from connectors.rest.endpoint import Endpoint
from connectors.rest.values import Reader, WrongType, read
from connectors.selection import Column, Kind, Row, Value
from connectors.wire import comparable

Readers = Sequence[tuple[str, Reader]]
"""Names of columns, and what reads their values."""


class Format(Protocol):
    """How documents of one media type are read. A document and its items are opaque to everything else."""

    accept: str
    """What the request asks for, RFC 9110 §12.5.1."""
    readers: Mapping[Kind, Reader]

    async def parse(self, source: str, body: bytes, charset: str | None, exact: bool, assumed: str = "utf-8") -> Any:
        """The document; ``exact`` where decimal numbers must keep their digits, ``assumed`` the charset of one that names none.

        Raises:
            SourceRefused: the body is no such document.
        """
        ...

    def items(self, document: Any, path: str) -> list[Any] | None:
        """The items at a path; ``None`` where there is no array."""
        ...

    def at(self, item: Any, path: str) -> Any:
        """The value at a path; null where there is nothing.

        Raises:
            WrongType: there is no single value.
        """
        ...

    def is_item(self, item: Any) -> bool:
        """It can have columns."""
        ...

    def alike(self, items: Sequence[Any], others: Sequence[Any]) -> bool:
        """They are the same items in the same order."""
        ...

    def flat(self, item: Any) -> Iterator[tuple[str, Any]]:
        """Paths and values of an item."""
        ...


def form(name: str) -> Format:
    """The format of that name."""
    if name == "xml":
        from connectors.rest.xml_answers import Xml

        return Xml()
    from connectors.rest.json_answers import Json

    return Json()


def readers(form: Format, endpoint: Endpoint, columns: Sequence[Column]) -> Readers:
    """How each of the columns is read."""
    return [(column.name, _with_nulls(column.kind, reader_of(form, endpoint, column), nulls_of(endpoint, column.name))) for column in columns]


Null = str | int | float | Decimal
_NUMBERS = frozenset({Kind.INTEGER, Kind.BIGINT, Kind.FLOAT, Kind.DECIMAL})


def nulls_of(endpoint: Endpoint, column: str) -> frozenset[Null]:
    """What means null in the column; of a number its text as well, which XML has in its place, and of a fraction what it is where digits are kept."""
    own = endpoint.column_nulls.get(column, ())
    return frozenset((*endpoint.nulls, *own, *map(str, own), *(Decimal(str(each)) for each in own if isinstance(each, float))))


def reader_of(form: Format, endpoint: Endpoint, column: Column) -> Reader:
    """How the column is read where a value is none of the endpoint's ``nulls``."""
    dated = endpoint.dates.get(column.name) if column.kind in (Kind.DATE, Kind.DATETIME) else None
    return form.readers[column.kind] if dated is None else dates.reader(column.kind, dated, endpoint.zone)


def _with_nulls(kind: Kind, reader: Reader, nulls: frozenset[Null]) -> Reader:
    if not nulls:
        return reader
    numbers = frozenset(each for each in nulls if not isinstance(each, str)) if kind in _NUMBERS else frozenset()

    def converted(value: Any) -> Value:
        # True is 1 to Python, and no number to the service.
        if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool) and value in nulls:
            return None
        found = reader(value)
        # Texts of numbers are many, and each of them is read as the same one.
        return None if numbers and comparable(found, kind) in numbers else found

    return converted


def rows(source: str, form: Format, items: Iterable[Any], columns: Readers) -> list[Row]:
    """Raw rows of the columns. A value that cannot be delivered costs its own place only.

    Raises:
        SourceRefused: an item or value has another type than the catalog says; names the column, never the value.
    """
    return [_row(source, form, item, columns) for item in items]


def _row(source: str, form: Format, item: Any, columns: Readers) -> Row:
    if not form.is_item(item):
        raise SourceRefused(source, "the service's items are no objects; correct `items`")
    return tuple(_value(source, form, item, name, reader) for name, reader in columns)


def _value(source: str, form: Format, item: Any, name: str, reader: Reader) -> Value:
    try:
        return read(form.at(item, name), reader)
    except WrongType as error:
        raise SourceRefused(source, f"the service sends {name} in another type than the catalog says") from error
