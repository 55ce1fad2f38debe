"""Whom rows and questions concern: stable keys of rows, and identifiers of people and organisations wherever a call has them in clear.

They leave the process as keyed hashes alone. What is masked for the caller does not enter the hub to be named here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.selection import Column, Kind, Row, Selection, Value
from masking.canonical import canonical_code, canonical_identifier, canonical_mobile, canonical_name, canonical_text
from schema.model import Item, Resource
from schema.values import deliverable

STABLE = "#"
"""Stands for an item's code where a subject is told by its row's stable key."""
Subject = tuple[str, Value]
"""(item code or ``#``, value): of an identifier in canonical form, of a stable key as the source has it."""
_FORMS = {
    "resident_id": canonical_identifier,
    "uscc": canonical_code,
    "division": canonical_code,
    "mobile": canonical_mobile,
    "person_name": canonical_name,
}


def form(item: Item, value: Value) -> Value:
    """The form in which an identifier's value is a subject; as a caller's key is brought to it, and refusing nothing."""
    if not isinstance(value, str) or item.kind is not Kind.STRING:
        return value
    return _FORMS.get(item.validator or "", canonical_text)(value)


def subjects_of(resource: Resource, selection: Selection, rows: Sequence[Row]) -> Iterator[Subject]:
    """The subjects of rows, as far as their columns hold them unmasked. A value that cannot be delivered names nobody."""
    identifying, stable, stable_kind = resource.identifying, resource.stable_key, resource.stable_kind
    for place, column in enumerate(selection.outputs):
        if not isinstance(column, Column) or column.mask is not None:
            continue
        if column.name == stable and column.kind is stable_kind:
            # The same value once more, under the identifier's code, would say nothing that is not known of the stable key.
            yield from ((STABLE, row[place]) for row in _sound(rows, place))
        elif column.name in identifying:
            sound = _sound(rows, place)
            for item in identifying[column.name]:
                if item.kind is column.kind:
                    yield from ((item.code, form(item, row[place])) for row in sound if row[place] is not None)


def _sound(rows: Sequence[Row], place: int) -> Sequence[Row]:
    if deliverable([row[place] for row in rows]):
        return rows
    return [row for row in rows if deliverable(row[place])]
