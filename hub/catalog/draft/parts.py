"""What a draft is made of, before it is text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.selection import Kind, Row, Value
from connectors.spi import ObjectDescription


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of an object, column by column. Lives as long as the drafting, and no value of it is written anywhere."""

    columns: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    rows: int = 0
    fault: str = ""
    """Why there is none."""

    @classmethod
    def of(cls, names: Sequence[str], rows: Sequence[Row]) -> Sample:
        """Rows whose values stand in the order of ``names``."""
        return cls({name: [row[place] for row in rows] for place, name in enumerate(names)}, len(rows))

    def values(self, column: str) -> list[Value]:
        """Those that are not null."""
        return [value for value in self.columns.get(column, ()) if value is not None]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column seems to hold, and how it is treated therefore. ``why`` tells a person."""

    name: str
    why: str
    marks: tuple[str, ...] = ()
    validator: str | None = None
    share: str | None = None
    own: bool = False
    """Named so without a word before it, so that it speaks of what the row itself is about: ``birth_date``, not ``legal_rep_id_number``."""


@dataclass(slots=True)
class Item:
    """An item to be. ``why`` tells, by key of the manifest, what a suggestion rests on."""

    code: str
    name: str
    name_en: str
    description: str
    kind: Kind
    column: str
    nullable: bool
    meaning: Meaning | None = None
    filterable: bool = False
    low_cardinality: bool = False
    why: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to be."""

    field: str
    item: str
    to: str


@dataclass(slots=True)
class Resource:
    """A resource to be."""

    described: ObjectDescription
    code: str
    plural: str
    name: str
    name_en: str
    description: str
    stable_key: str
    stable_kind: Kind
    items: list[Item]
    identifiers: list[str]
    left_out: list[tuple[str, str]]
    """Columns that are no items, and why."""
    watermark: str | None = None
    links: list[Link] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    def item(self, column: str) -> Item | None:
        """The item that has this column."""
        return next((item for item in self.items if item.column == column), None)


@dataclass(slots=True)
class Report:
    """What a person should know beside the draft."""

    resources: list[dict[str, object]] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)
    """Tables, views and columns without a place in the draft, each with the reason and the remedy."""
    links_left_out: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def leave_out(self, place: str, reason: str, remedy: str = "") -> None:
        """Notes a table, view or column that is not drafted."""
        self.left_out.append({"object": place, "reason": reason, "remedy": remedy})

    def as_json(self) -> dict[str, object]:
        """For ``--json``."""
        return {"resources": self.resources, "left_out": self.left_out, "links_left_out": self.links_left_out, "notes": self.notes}
