"""Tables as the page and the workbook show them: columns with a kind, rows of plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Generic, Literal, TypeAlias, TypeVar

Kind = Literal["text", "count", "share", "tenth", "day"]
"""``share``: 0 to 1, shown in per cent; ``tenth``: a number with one decimal."""
Value: TypeAlias = str | int | float | date | None
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column: its heads, its kind, and its value of a row's object. ``aside``: in the workbook alone."""

    zh: str
    en: str
    kind: Kind
    of: Callable[[T], Value]
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head."""

    zh: str
    en: str
    kind: Kind
    aside: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its title in both languages, and a note where its figures need one."""

    key: str
    zh: str
    en: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Value, ...], ...]
    note_zh: str = ""
    note_en: str = ""

    def brief(self) -> Table:
        """Without the columns that stand aside."""
        shown = [number for number, head in enumerate(self.heads) if not head.aside]
        rows = tuple(tuple(row[number] for number in shown) for row in self.rows)
        return Table(self.key, self.zh, self.en, tuple(self.heads[number] for number in shown), rows, self.note_zh, self.note_en)


def table(key: str, zh: str, en: str, columns: Iterable[Column[T]], objects: Iterable[T], note_zh: str = "", note_en: str = "") -> Table:
    """A table of one row per object."""
    columns = tuple(columns)
    heads = tuple(Head(each.zh, each.en, each.kind, each.aside) for each in columns)
    return Table(key, zh, en, heads, tuple(tuple(each.of(made) for each in columns) for made in objects), note_zh, note_en)


def shown(value: Value, kind: Kind) -> str:
    """A value for people; a dash where there is none."""
    if value is None or value == "":
        return "–"
    if isinstance(value, (str, date)):
        return str(value)
    return {"share": f"{value:.2%}", "tenth": f"{value:,.1f}"}.get(kind, f"{value:,}")
