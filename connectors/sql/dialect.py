"""What differs between SQL databases when a statement is written: a protocol, and the binds that every dialect shares."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import BindParameter, ColumnElement, Dialect, Double, Float, FromClause, Numeric, Text, bindparam, case, cast, exists, func, literal_column
from sqlalchemy.types import TypeEngine

from connectors.selection import UNDELIVERABLE, Kind

if TYPE_CHECKING:
    from connectors.spi import ColumnDescription
    from connectors.sql.rendering import Renderer

Expression = ColumnElement[Any]
Place = tuple[FromClause, Expression]
"""A table and a column of it."""
Encode = Callable[[Any], Any]
"""From a wire value (or a list of them), never null, to what the driver binds."""
Decode = Callable[[Any], Any]
"""From what the driver returns, never null, to a wire value."""

BAD = "\uffff"
"""What a statement selects in the place of a value that cannot be delivered: a noncharacter (Unicode §23.7), which no mask and no date, number
or moment makes."""
BAD_TEXT: Expression = literal_column(f"'{BAD}'", Text)
NO_NUMBER: Expression = literal_column("double precision 'NaN'", Double)


def unsealed(value: Any) -> Any:
    """What a statement selects, with :data:`BAD` and :data:`NO_NUMBER` told."""
    return UNDELIVERABLE if value == BAD or (isinstance(value, float) and math.isnan(value)) else value


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

    @property
    def exact(self) -> SqlDialect:
        """The same without comparisons by a column's own collation, which are there for indexes only and may fail."""
        ...

    @property
    def careful(self) -> SqlDialect:
        """The same with comparisons by what is shown, which no index serves, for objects with a column that :meth:`misleads`."""
        ...

    @property
    def doubted(self) -> frozenset[Kind]:
        """The kinds for which a column may."""
        ...

    def misleads(self, column: ColumnDescription, kind: Kind) -> bool:
        """The column is compared otherwise than it is shown as this kind."""
        ...

    @property
    def streamed(self) -> SqlDialect:
        """The same for streams, where their rows come in another form."""
        ...

    @property
    def renderer(self) -> Renderer | None:
        """How it writes pages as text, where it does."""
        ...

    def wire(self, column: Expression, kind: Kind) -> Expression:
        """The column, as it is selected to be read by :meth:`decode`."""
        ...

    def text(self, column: Expression, kind: Kind) -> Expression:
        """The column's wire value inside the database, for masks: of type text where wire values are text."""
        ...

    def decode(self, kind: Kind) -> Decode | None:
        """How a value that :meth:`wire` selects is read, where the driver's own value is not the wire value. Never raises: what cannot be
        delivered gives ``UNDELIVERABLE``."""
        ...

    def undeliverable(self, column: Expression, kind: Kind) -> Expression | None:
        """The column's value cannot be delivered, so that its mask says so too. Never null for a value; ``None`` where every value can be."""
        ...

    def stored(self, column: Expression, kind: Kind, *, ordered: bool) -> Expression:
        """The column as it is compared and ordered."""
        ...

    def value(self, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """The parameter's value, to compare with :meth:`stored`."""
        ...

    def against(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """The same for this column, whose own type may hold another value for it."""
        ...

    def native(self, binds: Binds, parameter: str, kind: Kind) -> Expression:
        """The parameter's value, to compare with the bare column in its own order."""
        ...

    def equal(self, column: Expression, binds: Binds, parameter: str, kind: Kind) -> Expression:
        """The column equals the parameter; null where either is null. An index on the column serves it."""
        ...

    def linked(self, here: Place, there: Place, kind: Kind, where: Expression) -> Expression:
        """A row of the table there has the key that this row's column holds, and satisfies ``where``. Never null."""
        ...

    def plain(self, column: Expression, kind: Kind) -> Expression:
        """A text or a whole number as the text of its wire value."""
        ...

    def scrambled(self, salt: Expression, plain: Expression) -> Expression:
        """:func:`connectors.wire.scrambled` of what :meth:`plain` made, or of a parameter's text."""
        ...

    def directed(self, stored: Expression, *, descending: bool, nullable: bool) -> list[Expression]:
        """What to order by, so that nulls come last; bare where there are none, so that an index serves it."""
        ...

    def among(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, negated: bool) -> Expression:
        """The column is (not) one of the parameter's list, in one statement text for lists of any length."""
        ...

    def claimed(self, column: Expression, binds: Binds, parameter: str, kind: Kind) -> Expression:
        """The column is one of the parameter's list, whatever stands in that; null where it is null."""
        ...

    def starts_with(self, column: Expression, binds: Binds, parameter: str) -> Expression:
        """The text column begins with exactly the parameter's text."""
        ...

    def grouping(self, wired: Expression, kind: Kind) -> Expression:
        """By what rows are grouped so that equal wire values, and no others, come together; ``wired`` is what :meth:`wire` made. Itself where it will do."""
        ...

    def unsummable(self, column: Expression, kind: Kind) -> Expression | None:
        """The column's value cannot take part in an exact sum; see :meth:`undeliverable`."""
        ...

    def summed(self, column: Expression, kind: Kind) -> Expression:
        """The sum: exact, as a text; of floats a float."""
        ...

    def extremes(self, column: Expression, kind: Kind) -> tuple[Expression, Expression]:
        """The least and the greatest value, to be read by :meth:`decode_extreme`."""
        ...

    def decode_extreme(self, kind: Kind) -> Decode | None:
        """How a value of :meth:`extremes` is read."""
        ...


class Standard(SqlDialect, Protocol):
    """What most databases do alike."""

    @property
    def exact(self) -> SqlDialect:
        """Itself."""
        return self

    @property
    def careful(self) -> SqlDialect:
        """Itself."""
        return self

    @property
    def doubted(self) -> frozenset[Kind]:
        """None."""
        return frozenset()

    def misleads(self, column: ColumnDescription, kind: Kind) -> bool:
        """No column does."""
        return False

    @property
    def streamed(self) -> SqlDialect:
        """Itself."""
        return self

    @property
    def renderer(self) -> Renderer | None:
        """It writes none."""
        return None

    def text(self, column: Expression, kind: Kind) -> Expression:
        """What is selected is the wire value."""
        return self.wire(column, kind)

    def undeliverable(self, column: Expression, kind: Kind) -> Expression | None:
        """Every value can be delivered."""
        return None

    def against(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """As for any column."""
        return self.value(binds, parameter, kind, ordered=ordered)

    def native(self, binds: Binds, parameter: str, kind: Kind) -> Expression:
        """As for equality."""
        return self.value(binds, parameter, kind, ordered=False)

    def equal(self, column: Expression, binds: Binds, parameter: str, kind: Kind) -> Expression:
        """The stored column and the value, as they are."""
        return self.stored(column, kind, ordered=False) == self.against(column, binds, parameter, kind, ordered=False)

    def linked(self, here: Place, there: Place, kind: Kind, where: Expression) -> Expression:
        """By ``EXISTS``."""
        return self.existing(here, there, self.stored(there[1], kind, ordered=False) == self.stored(here[1], kind, ordered=False), where)

    def claimed(self, column: Expression, binds: Binds, parameter: str, kind: Kind) -> Expression:
        """As in a filter."""
        return self.among(column, binds, parameter, kind, negated=False)

    def existing(self, here: Place, there: Place, *conditions: Expression) -> Expression:
        """A row there satisfies the conditions."""
        return exists(literal_column("1")).select_from(there[0]).where(*conditions).correlate(here[0])

    def plain(self, column: Expression, kind: Kind) -> Expression:
        """By a cast."""
        return cast(column, Text)

    def scrambled(self, salt: Expression, plain: Expression) -> Expression:
        """By the database's own ``md5``."""
        return func.md5(cast(salt, Text) + cast(plain, Text), type_=Text)

    def grouping(self, wired: Expression, kind: Kind) -> Expression:
        """Itself."""
        return wired

    def unsummable(self, column: Expression, kind: Kind) -> Expression | None:
        """What cannot be delivered."""
        return self.undeliverable(column, kind)

    def summed(self, column: Expression, kind: Kind) -> Expression:
        """As numbers without a limit of digits."""
        if kind is Kind.FLOAT:
            return func.sum(cast(column, Double()))
        return cast(func.sum(cast(column, Numeric())), Text)

    def extremes(self, column: Expression, kind: Kind) -> tuple[Expression, Expression]:
        """As they are selected."""
        return self.wire(func.min(column), kind), self.wire(func.max(column), kind)

    def decode_extreme(self, kind: Kind) -> Decode | None:
        """As any value."""
        return self.decode(kind)

    def directed(self, stored: Expression, *, descending: bool, nullable: bool) -> list[Expression]:
        """By ``NULLS LAST`` (SQL:2003)."""
        order = stored.desc() if descending else stored.asc()
        return [order.nulls_last() if nullable else order]


def guarded(dialect: SqlDialect, column: Expression, kind: Kind, shown: Expression) -> Expression:
    """``shown``, with :data:`BAD` in the place of what cannot be delivered; where its database does not mix types, NaN in that of a float."""
    wrong = dialect.undeliverable(column, kind)
    bad = NO_NUMBER if isinstance(shown.type, Float) and dialect.name == "postgresql" else BAD_TEXT
    return shown if wrong is None else case((wrong, bad), else_=shown)
