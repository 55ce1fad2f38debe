"""Pages as text, written by PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, LargeBinary, Select, Subquery, Text, and_, case, cast, collate, func, literal_column, not_, null, or_, select
from sqlalchemy.types import String

from connectors.selection import Column, Kind, Rendered
from connectors.sql.dialect import Expression, SqlDialect
from masking.rules import Mask, tells_nothing
from masking.sql import masked

_DECIMAL = literal_column("'^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,5})?$'", Text)
_SAFE: tuple[Expression, Expression] = literal_column(str(-(2**53)), BigInteger), literal_column(str(2**53), BigInteger)
"""Beyond, numbers are texts: :func:`schema.scalars.write_bigint`."""
_INT: tuple[Expression, Expression] = literal_column(str(-(2**31)), BigInteger), literal_column(str(2**31 - 1), BigInteger)
"""Of GraphQL."""
_NO_NUMBERS: list[Expression] = [literal_column(f"'{name}'") for name in ("NaN", "Infinity", "-Infinity")]
_MARK = literal_column("'\"'", Text)
_QUOTE = literal_column(r"""E'""\x01'""", Text)
_NULL = literal_column(r"""E'"\x02'""", Text)
_QUOTED = frozenset({Kind.STRING, Kind.DECIMAL, Kind.DATE, Kind.DATETIME})
_WHOLE = ("smallint", "integer", "bigint")


class PostgresRenderer:
    """Each object by one concatenation, because PostgreSQL's own functions for JSON cost it twice to three times as much (docs/performance.md)."""

    kinds = _QUOTED | {Kind.INTEGER, Kind.BIGINT, Kind.BOOLEAN}
    """Floats are written otherwise than by orjson: ``1e+20``."""

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect = dialect

    def inner(self, form: Rendered, table: Any) -> list[Expression]:
        """The texts ``f0``, ``f1`` … and the doubt ``d``."""
        columns = [(table.c[column.name], column) for column in _columns(form)]
        texts = [self._text(stored, column).label(f"f{place}") for place, (stored, column) in enumerate(columns)]
        doubts = [doubt for stored, column in columns if (doubt := self._doubt(stored, column)) is not None]
        # A doubt that is unknown is one.
        return [*texts, (func.coalesce(or_(*doubts), literal_column("true")) if doubts else literal_column("false", Boolean)).label("d")]

    def page(self, form: Rendered, rows: Subquery, beside: Sequence[str]) -> Select[Any]:
        """One row. The rows come ordered, and every aggregate takes them in that order."""
        columns = _columns(form)
        texts = [rows.c[f"f{place}"] for place in range(len(columns))]
        free = [text for text, column in zip(texts, columns, strict=True) if _free(column)]
        rewritten = [func.replace(text, _MARK, _QUOTE, type_=Text) if _free(column) else text for text, column in zip(texts, columns, strict=True)]
        row = case((_marked(free), _object(form, rewritten)), else_=_object(form, texts)) if free else _object(form, texts)
        page = func.string_agg(row, literal_column("','", Text), type_=Text)
        # As bytes: the hub needs no text of them.
        return select(func.textsend(page, type_=LargeBinary), func.bool_or(rows.c.d), *(func.array_agg(rows.c[name]) for name in beside))

    def _text(self, stored: Expression, column: Column) -> Expression:
        """The value as it stands in JSON, without quotes where it has some."""
        if column.mask is not None:
            return cast(null(), Text) if tells_nothing(column.mask) else _masked(self._dialect, stored, column.kind, column.mask)
        match column.kind:
            case Kind.DATE:
                # In ISO 8601: sessions have that DateStyle.
                return cast(cast(stored, Date), Text)
            case Kind.BIGINT:
                number = cast(stored, Text)
                safe = _number(stored).between(*_SAFE)
                long = and_(_is(stored, "bigint"), func.octet_length(number) > literal_column("15"))
                return case((long, case((safe, number), else_=_MARK + number + _MARK)), else_=number)
            case Kind.INTEGER | Kind.BOOLEAN:
                return cast(stored, Text)
        return self._dialect.text(stored, column.kind)

    def _doubt(self, stored: Expression, column: Column) -> Expression | None:
        """The hub has to say that the value cannot be delivered, or to write it by its own rules."""
        if column.mask is not None:
            return None if tells_nothing(column.mask) else self._dialect.undeliverable(stored, column.kind)
        match column.kind:
            case Kind.DECIMAL:
                text = cast(stored, Text)
                wrong = case((_is(stored, "numeric"), text.in_(_NO_NUMBERS)), else_=not_(text.op("~", is_comparison=True)(_DECIMAL)))
                return and_(stored.is_not(None), wrong)
            case Kind.INTEGER:
                long = case((_is(stored, "bigint"), not_(_number(stored).between(*_INT))), else_=not_(_is(stored, *_WHOLE)))
                return and_(stored.is_not(None), long)
            case Kind.BIGINT:
                return not_(_is(stored, *_WHOLE))
            case Kind.BOOLEAN:
                return not_(_is(stored, "boolean"))
        return self._dialect.undeliverable(stored, column.kind)


def _columns(form: Rendered) -> list[Column]:
    """Each column once, in the order of its first key."""
    return list(dict.fromkeys(value for _, value in form.fields if isinstance(value, Column)))


def _quoted(column: Column) -> bool:
    return column.mask is not None or column.kind in _QUOTED


def _free(column: Column) -> bool:
    """Any character may stand in it."""
    return not tells_nothing(column.mask) if column.mask is not None else column.kind is Kind.STRING


def _masked(dialect: SqlDialect, stored: Expression, kind: Kind, mask: Mask) -> Expression:
    shown = masked(mask, dialect.text(stored, kind), dialect.name)
    if not isinstance(shown.type, String):
        raise ValueError("only masks that make a text are rendered")
    return shown


def _is(stored: Expression, *types: str) -> Expression:
    """The column's own type is one of these, so that its text has the form of theirs."""
    return func.pg_typeof(stored).in_([literal_column(f"'{name}'::regtype") for name in types])


def _number(stored: Expression) -> Expression:
    # By its text, because a statement must not fail where the column has another type; only evaluated where it has this one.
    return cast(cast(stored, Text), BigInteger)


def _marked(texts: Sequence[Expression]) -> Expression:
    """A quote stands in one of the texts. Never null."""
    joined = texts[0]
    for text in texts[1:]:
        joined = joined + text
    # concat() costs more and is needed only where one is null.
    whole = func.coalesce(joined, func.concat(*texts), type_=Text)
    return func.strpos(collate(whole, "C"), _MARK) > literal_column("0")


def _object(form: Rendered, texts: Sequence[Expression]) -> Expression:
    places = {column: place for place, column in enumerate(_columns(form))}
    made: Expression | None = None
    fixed = "{"
    for number, (key, value) in enumerate(form.fields):
        fixed += ("," if number else "") + f'"{key}":'
        if isinstance(value, str):
            fixed += f'"{value}"'
            continue
        quote = '"' if _quoted(value) else ""
        head = literal_column(f"'{fixed}{quote}'", Text)
        known = func.coalesce(texts[places[value]], _NULL if quote else literal_column("'null'"), type_=Text)
        made = head + known if made is None else made + head + known
        fixed = quote
    end = literal_column(f"'{fixed}}}'", Text)
    return end if made is None else made + end
