"""Rows of a table → variables of a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from graphql import VariableValues

from hub.api.prepared import Prepared
from hub.exchange.verifying.coercing import coerced
from hub.exchange.verifying.reading import Cell
from schema.faults import Fault


def rows_of(path: Path, behind: int) -> Iterator[list[Cell]]:
    """The rows of an upload behind so many. Closed with the iterator.

    Raises:
        OSError: it is not there.
    """
    with path.open("rb") as file:
        for line in islice(file, behind, None):
            yield orjson.loads(line)


def variables_of_row(prepared: Prepared, types: Mapping[str, str], columns: Sequence[str], row: Sequence[Cell], typed: bool) -> VariableValues | Fault:
    """A row's values as the variables of the same names; what is missing is null. ``typed``: its format has more than texts."""
    given: dict[str, Any] = {name: value for name, value in zip(columns, row, strict=False) if name in types}
    given |= {name: None for name in columns[len(row) :] if name in types}
    if not typed:
        given = {name: coerced(value, types[name]) for name, value in given.items()}
    try:
        return prepared.variables(given)
    except Fault as fault:
        return fault
