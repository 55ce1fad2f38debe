"""The columns of a file of outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.selection import Kind
from hub.exchange.verifying.outcomes import Row
from hub.exchange.verifying.reading import Cell


@dataclass(frozen=True)
class Layout:
    """The file's columns: the row's number in the table, kept columns, the outcome and what belongs to it, the ledger's entry."""

    keep: tuple[str, ...]
    claims: tuple[str, ...]
    moment: bool

    @property
    def columns(self) -> tuple[tuple[str, Kind], ...]:
        """Names and kinds."""
        told = ["outcome", *(f"claims.{name}" for name in self.claims), *(["asOf"] if self.moment else []), "code"]
        return (("row", Kind.BIGINT), *((name, Kind.STRING) for name in (*self.keep, *told)), ("entry", Kind.BIGINT))

    @property
    def names(self) -> list[str]:
        """Names alone; two of them are the same where a kept column is called like one of the hub's."""
        return [name for name, _ in self.columns]

    def row(self, number: int, kept: Sequence[Cell], row: Row, entry: int) -> list[Any]:
        """The values of one row."""
        told = [row.outcome, *(row.claims.get(name) for name in self.claims), *([row.as_of] if self.moment else []), row.code]
        return [number, *map(_shown, kept), *told, entry]


def _shown(value: Cell) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
