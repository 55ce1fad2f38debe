"""What a reader of a format gives: the header's names and the rows behind it, each with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.files.findings import Broken, Finding
from connectors.files.options import FilePart

MISSING = object()
"""Stands in a row of named values for a name that the row does not have."""
GUESSED_ROWS = 20_000
"""Rows of a file from which its columns are told where no catalog names them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A file that is to be read. ``columns`` are the catalog's, empty where there is none; ``exact`` keeps decimals of JSON as they are written."""

    path: Path
    file: FilePart
    columns: tuple[str, ...]
    left_out: tuple[str, ...]
    exact: bool
    max_unpacked_bytes: int


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened file. ``rows`` yields (line, cells) in the order of ``names`` and may raise :class:`Broken`; a row of another length is ragged.

    ``loose``: names come row by row, so that one that is missing is null (JSON Lines); ``names`` are the catalog's then.
    """

    names: tuple[str, ...]
    rows: Iterator[tuple[int, Sequence[Any]]]
    facts: dict[str, str]
    faults: Iterable[Finding] = ()
    loose: bool = False


Reader = Callable[[Asked], Opened]


def header_of(cells: Sequence[Any] | None) -> tuple[str, ...]:
    """Names of a header row; blank cells at its end are no columns, others are called by their place, for no catalog can name a column "".

    Raises:
        Broken: there is none.
    """
    names = ["" if cell is None else str(cell).strip() for cell in cells or ()]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise Broken(Finding("NO_HEADER"))
    return tuple(name or f"column_{place}" for place, name in enumerate(names, 1))
