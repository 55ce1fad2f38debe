"""What differs between SQL databases when a statement is written: a protocol, and the binds that every dialect shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import BindParameter, ColumnElement, Dialect, bindparam
from sqlalchemy.types import TypeEngine

from connectors.selection import Kind

Expression = ColumnElement[Any]
Encode = Callable[[Any], Any]
"""From a wire value (or a list of them), never null, to what the driver binds."""
Decode = Callable[[Any], Any]
"""From what the driver returns, never null, to a wire value."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The value of a selection's parameter in a statement's place."""

    parameter: str
    encode: Encode | None


class Binds:
    """Hands out one placeholder per place, so that a parameter used twice is typed by each of its places."""

    def __init__(self) -> None:
        self.places: dict[str, Bound] = {}

    def place(self, parameter: str, encode: Encode | None = None, type_: TypeEngine[Any] | None = None) -> BindParameter[Any]:
        """A placeholder for a parameter's value."""
        name = f"p{len(self.places)}"
        self.places[name] = Bound(parameter, encode)
        return bindparam(name, None, type_, required=False)


class SqlDialect(Protocol):
    """One database's way of writing. ``ordered`` says that text is compared by its code points, else only for equality."""

    @property
    def name(self) -> str:
        """SQLAlchemy's name of it."""
        ...

    @property
    def core(self) -> Dialect:
        """The dialect that compiles, with positional places."""
        ...

    def wire(self, column: Expression, kind: Kind) -> Expression:
        """The column's value as a wire value; of type text where wire values are text."""
        ...

    def decode(self, kind: Kind) -> Decode | None:
        """How a value that :meth:`wire` selects is read, where the driver's own value is not the wire value."""
        ...

    def stored(self, column: Expression, kind: Kind, *, ordered: bool) -> Expression:
        """The column as it is compared and ordered."""
        ...

    def value(self, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """The parameter's value, to compare with :meth:`stored`."""
        ...

    def among(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, negated: bool) -> Expression:
        """The column is (not) one of the parameter's list, in one statement text for lists of any length."""
        ...

    def starts_with(self, column: Expression, binds: Binds, parameter: str) -> Expression:
        """The text column begins with exactly the parameter's text."""
        ...
