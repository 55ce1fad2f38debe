"""Whom rows and questions concern: stable keys of rows, and identifiers of people and organisations wherever a call has them in clear.

They leave the process as keyed hashes alone. What is masked for the caller does not enter the hub to be named here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from operator import itemgetter

from connectors.selection import Column, Kind, Row, Value
from masking.canonical import canonical_code, canonical_identifier, canonical_mobile, canonical_name, canonical_text
from schema.model import Item, Resource
from schema.values import deliverable

_CHANGED = frozenset({13, 15})
"""Lengths of such texts that a form may change: numbers of the first generation of ID cards, mobile numbers behind +86 or 0086."""
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
    return form_of(item.validator or "")(value)


def form_of(validator: str) -> Callable[[str], str]:
    """How an identifier's text becomes the subject's; ``validator`` is empty where the item has none."""
    return _FORMS.get(validator, canonical_text)


class Named(MutableMapping[Subject, None]):
    """Whom a call concerns: distinct subjects, in the order in which they came within each item's code."""

    __slots__ = ("by_code",)

    def __init__(self) -> None:
        self.by_code: dict[str, dict[Value, None]] = {}

    def add(self, code: str, values: Iterable[Value]) -> None:
        """Adds subjects of one code."""
        held = self.by_code.get(code)
        if held is None:
            self.by_code[code] = dict.fromkeys(values)
        else:
            held.update(dict.fromkeys(values))

    def clear(self) -> None:
        """Names nobody any more."""
        self.by_code.clear()

    def __getitem__(self, subject: Subject) -> None:
        code, value = subject
        return self.by_code[code][value]

    def __setitem__(self, subject: Subject, _held: None) -> None:
        code, value = subject
        self.by_code.setdefault(code, {})[value] = None

    def __delitem__(self, subject: Subject) -> None:
        code, value = subject
        del self.by_code[code][value]

    def __iter__(self) -> Iterator[Subject]:
        for code, values in self.by_code.items():
            yield from ((code, value) for value in values)

    def __len__(self) -> int:
        return sum(len(values) for values in self.by_code.values())


class Naming:
    """Which outputs of a selection name whom, decided once: for every selection with these outputs."""

    __slots__ = ("_taking", "places")

    def __init__(self, resource: Resource, outputs: Sequence[object]) -> None:
        identifying, stable, stable_kind = resource.identifying, resource.stable_key, resource.stable_kind
        self.places: list[tuple[int, str, Item | None]] = []
        """(place in the row, item code or ``#``, the item whose form it is brought to)."""
        for place, column in enumerate(outputs):
            if not isinstance(column, Column) or column.mask is not None:
                continue
            if column.name == stable and column.kind is stable_kind:
                # The same value once more, under the identifier's code, would say nothing that is not known of the stable key.
                self.places.append((place, STABLE, None))
            else:
                self.places += ((place, item.code, item) for item in identifying.get(column.name, ()) if item.kind is column.kind)
        self._taking: list[tuple[Callable[[Row], Value], str, Item | None]] = [(itemgetter(place), code, item) for place, code, item in self.places]

    def note(self, rows: Sequence[Row], named: Named) -> None:
        """Adds the subjects of rows, as far as their columns hold them unmasked. A value that cannot be delivered names nobody."""
        for taking, code, item in self._taking:
            values: Sequence[Value] = [*map(taking, rows)]
            if not deliverable(values):
                values = [value for value in values if deliverable(value)]
            named.add(code, values if item is None else _formed(item, values))


def _formed(item: Item, values: Sequence[Value]) -> Sequence[Value]:
    """Each value's form, without nulls."""
    present = [value for value in values if value is not None]
    if item.kind is not Kind.STRING:
        return present
    texts = [value for value in present if type(value) is str]
    if len(texts) == len(present) and _is_plain(texts):
        return texts
    return [form(item, value) for value in present]


def _is_plain(texts: Sequence[str]) -> bool:
    """Whether no form would change one of them, seen at once: capital letters and digits, too short or too long for a 15-digit number or a calling code."""
    together = "".join(texts)
    return together.isascii() and together.isalnum() and together.upper() == together and _CHANGED.isdisjoint(map(len, texts))
