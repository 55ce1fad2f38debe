"""Tables of a source as SQL writes them, with the columns that a selection needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnClause, TableClause, column, quoted_name, table

from connectors.selection import Binding, Column, Compare, Every, Linked, Match, Not, Predicate, Selection, Some
from connectors.sql.driver import object_name


def named_table(binding: Binding, columns: Iterable[str]) -> TableClause:
    """The table or view of a binding."""
    schema, name = object_name(binding)
    clauses: list[ColumnClause[Any]] = [column(_quoted(each)) for each in dict.fromkeys(columns)]
    return table(_quoted(name), *clauses, schema=_quoted(schema) if schema else None)


def _quoted(name: str) -> quoted_name:
    # Always: SQLAlchemy does not know every keyword of every version. Columns are written with their table, so that
    # SQLite cannot take a quoted name that does not exist for a text.
    return quoted_name(name, quote=True)


def needed_columns(selection: Selection, key: Column | None) -> list[str]:
    """Names of the columns that a selection and its key read."""
    names = [output.column if isinstance(output, Match) else output.name for output in selection.outputs]
    if selection.text is not None:
        names += [value.name for _, value in selection.text.fields if not isinstance(value, str)]
    names += [each.column for each in selection.order]
    if selection.where is not None:
        names += compared_columns(selection.where)
    if key is not None:
        names.append(key.name)
    return names


def compared_columns(part: Predicate) -> list[str]:
    """Names of the columns that a predicate compares in its own object."""
    match part:
        case Every(parts) | Some(parts):
            return [name for each in parts for name in compared_columns(each)]
        case Not(negated):
            return compared_columns(negated)
        case Compare(name) | Linked(name):
            return [name]
