"""The face that a resource turns to one caller: which items, links, keys and claims exist for it. Types and plans are both made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from graphql import GraphQLNamedType

from auth.decide import Rights, decide
from auth.reasons import Reason
from auth.rights import Decision, ItemDecision, Operation, Shown
from connectors.aggregation import GROUPED, RANGED, SUMMED
from connectors.registry import links_within, lists_by_index
from schema.model import Item, Link, Resource, Snapshot, joins, root_fields
from schema.naming import camel, type_name
from schema.subjects import Naming


@dataclass(frozen=True, eq=False)
class Face:
    """One resource as one caller may use it. Names are GraphQL names."""

    resource: Resource
    decision: Decision
    _faces: Callable[[str], Face | None]
    _linking: bool = False
    """Whether the resource's source filters through links."""
    spelled: bool = False
    """Whether the resource's source is asked for a key in every spelling that it may have there."""

    @cached_property
    def type_name(self) -> str:
        """Name of the object type."""
        return type_name(self.resource.code)

    @property
    def page_size(self) -> int:
        """Rows of a page for which no size was asked."""
        return min(_DEFAULT_PAGE, self.decision.page_limit)

    @cached_property
    def fields(self) -> Mapping[str, Item]:
        """Items whose value the caller sees, clear or masked."""
        return {camel(code): item for code, item in self.resource.items.items() if self.decided(code).shown is not Shown.ABSENT}

    @cached_property
    def _namings(self) -> dict[tuple[object, ...], Naming]:
        return {}

    def naming(self, outputs: tuple[object, ...]) -> Naming:
        """Whom rows with these outputs name."""
        found = self._namings.get(outputs)
        if found is None:
            if len(self._namings) >= _MOST_NAMINGS:
                self._namings.clear()
            found = self._namings[outputs] = Naming(self.resource, outputs)
        return found

    @cached_property
    def keys(self) -> Mapping[str, Item]:
        """Identifiers by which the caller may look up."""
        items = self.resource.items
        return {camel(code): items[code] for code in self.resource.identifiers if self.decided(code).usable_as_key}

    @cached_property
    def filters(self) -> Mapping[str, Item]:
        """Items that may stand in filters and orders: seen in clear, and marked filterable."""
        return {name: item for name, item in self.fields.items() if item.filterable and self._clear(item)}

    @property
    def groupable(self) -> Mapping[str, Item]:
        """Items by which aggregates are grouped: those of filters whose values mean a group. A name that GraphQL's enums do not take is left out."""
        return {name: item for name, item in self.filters.items() if item.kind in GROUPED and name not in _NO_ENUM_VALUES}

    @property
    def summable(self) -> Mapping[str, Item]:
        """Items that are added up: numbers that are seen in clear."""
        return {name: item for name, item in self.fields.items() if item.kind in SUMMED and self._clear(item)}

    @property
    def ranged(self) -> Mapping[str, Item]:
        """Items whose least and greatest value are told. Each is a value that the caller may list."""
        return {name: item for name, item in self.filters.items() if item.kind in RANGED}

    @cached_property
    def claims(self) -> Mapping[str, Item]:
        """Items about which a claim may be verified: granted in clear; of few values only where they may be queried as well."""
        queryable = self.decision.allows(Operation.QUERY)
        return {name: item for name, item in self.fields.items() if self._clear(item) and (queryable or not item.few_valued)}

    @cached_property
    def links(self) -> Mapping[str, tuple[Link, Face]]:
        """Links that the caller may follow: the link's item and the identifier at its end both serve it as keys."""
        found: dict[str, tuple[Link, Face]] = {}
        for link in self.resource.links:
            target = self._faces(link.to_resource)
            if target is not None and target.listed and self._joins(link, target):
                found[camel(link.field)] = (link, target)
        return found

    @cached_property
    def link_filters(self) -> Mapping[str, tuple[Link, Face]]:
        """Links through which the caller may filter: both ends lie in one source that can, and the caller may query and filter the target itself."""
        if not self._linking:
            return {}
        return {
            name: (link, target)
            for name, (link, target) in self.links.items()
            if target.resource.source == self.resource.source and target.filters and target.decision.allows(Operation.QUERY) and name not in self.filters
        }

    def _joins(self, link: Link, target: Face) -> bool:
        """The link's item and the identifier at its end are there, alike in type, and keys for the caller."""
        if not self.decided(link.item).usable_as_key or not target.decided(link.to_item).usable_as_key:
            return False
        return joins(self.resource, link, target.resource)

    @property
    def listed(self) -> bool:
        """Whether rows may be queried or exchanged and have anything to show."""
        return (self.decision.allows(Operation.QUERY) or self.decision.allows(Operation.EXCHANGE)) and bool(self.fields)

    @property
    def verifiable(self) -> bool:
        """Whether claims may be verified."""
        return self.decision.allows(Operation.VERIFY) and bool(self.claims) and bool(self.keys)

    @property
    def empty(self) -> bool:
        """Whether nothing of the resource exists for the caller."""
        return not (self.listed or self.verifiable)

    @cached_property
    def roots(self) -> Mapping[str, str]:
        """Fields on the department's type → what they do: ``one``, ``list``, ``verify``, ``verify_many`` or ``aggregate``."""
        counted = bool(self.fields) and self.decision.allows(Operation.QUERY)
        there = {"one": self.listed and bool(self.keys), "list": self.listed, "verify": self.verifiable, "verify_many": self.verifiable, "aggregate": counted}
        return {name: action for name, action in root_fields(self.resource).items() if there[action]}

    def decided(self, code: str) -> ItemDecision:
        """The decision on an item of this resource."""
        return self.decision.items.get(code, _ABSENT)

    def _clear(self, item: Item) -> bool:
        return self.decided(item.code).shown is Shown.CLEAR


_DEFAULT_PAGE = 50
_MOST_NAMINGS = 128
_NO_ENUM_VALUES = frozenset({"true", "false", "null"})
_ABSENT = ItemDecision(Shown.ABSENT, Reason.ITEM_UNKNOWN)


class Wing:
    """What was made of one department for one caller, of its faces and their GraphQL types."""

    __slots__ = ("faces", "stamp", "types")

    def __init__(self) -> None:
        self.stamp = object()
        """What caches know this state of the department by; it keeps nothing alive."""
        self.faces: dict[str, Face | None] = {}
        self.types: dict[str, GraphQLNamedType] = {}


_GENERATIONS = count(1)
"""Of wings. A snapshot's number would not do: a withdrawal changes what the catalog gives without a publication."""


class Faces:
    """All faces of one snapshot for one set of rights, made when first asked for. With ``only``, those of these departments, as if there were no others."""

    def __init__(self, snapshot: Snapshot, rights: Rights, only: frozenset[str] | None = None) -> None:
        self.snapshot = snapshot
        self.rights = rights
        self.departments: Mapping[str, str] = _Departments(self)
        """Root fields → department codes, of the departments of which the caller can use something."""
        self._only = only
        self._wings: dict[tuple[str, int], Wing] = {}
        self._since: Mapping[str, int] = {}

    def renewed(self, snapshot: Snapshot, touched: frozenset[str]) -> Faces:
        """The same for a later snapshot: departments that are not touched keep what was made of them."""
        made = Faces(snapshot, self.rights, self._only)
        made._wings = self._wings
        made._since = {**self._since, **dict.fromkeys(touched, next(_GENERATIONS))}
        return made

    def apart(self, only: frozenset[str] | None = None) -> Faces:
        """The same faces, to be made anew; limited further by ``only``."""
        return Faces(self.snapshot, self.rights, self._only if only is None else only if self._only is None else only & self._only)

    def forget(self) -> Iterator[Wing]:
        """Gives what was made, and keeps nothing of it."""
        while self._wings:
            _, wing = self._wings.popitem()
            yield wing
            wing.faces.clear()
            wing.types.clear()

    def wing(self, code: str) -> Wing:
        """What was made of this department."""
        key = (code, self._since.get(code, 0))
        return self._wings.get(key) or self._wings.setdefault(key, Wing())

    def face(self, code: str) -> Face | None:
        """The resource's face, or ``None`` where it does not exist for the caller."""
        resource = self.snapshot.resources.get(code)
        if resource is None or (self._only is not None and resource.department not in self._only):
            return None
        made = self.wing(resource.department).faces
        if code not in made:
            decision = decide(resource.policy, self.rights)
            kind = self._kind(resource)
            face = Face(resource, decision, self.face, links_within(kind), lists_by_index(kind)) if decision else None
            made[code] = face if face and not face.empty else None
        return made[code]

    def _kind(self, resource: Resource) -> str:
        source = self.snapshot.sources.get(resource.source)
        return "" if source is None else source.kind

    def department(self, code: str) -> Mapping[str, tuple[str, Face]]:
        """Fields of a department's type → (what they do, the face); empty where nothing of it is visible."""
        return _Fields(self, code)

    def visible(self, code: str) -> bool:
        """Whether the caller can use something of the department."""
        return any(self.face(resource.code) is not None for resource in self.snapshot.by_department.get(code, ()))


class _Fields(Mapping[str, tuple[str, Face]]):
    """Decides on the resources whose fields are asked for; on all of the department only when they are counted or listed."""

    def __init__(self, faces: Faces, code: str) -> None:
        self._faces = faces
        self._code = code

    def __getitem__(self, name: str) -> tuple[str, Face]:
        face = self._faces.face(self._faces.snapshot.fields_of(self._code)[name])
        if face is None:
            raise KeyError(name)
        return face.roots[name], face

    def __iter__(self) -> Iterator[str]:
        for resource in self._faces.snapshot.by_department.get(self._code, ()):
            face = self._faces.face(resource.code)
            yield from face.roots if face is not None else ()

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Departments(Mapping[str, str]):
    """Decides on the departments that are asked for; on all of them only when they are counted or listed."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def __getitem__(self, name: str) -> str:
        code = self._faces.snapshot.by_root_field[name]
        if not self._faces.visible(code):
            raise KeyError(name)
        return code

    def __iter__(self) -> Iterator[str]:
        return (name for name, code in self._faces.snapshot.by_root_field.items() if self._faces.visible(code))

    def __len__(self) -> int:
        return sum(1 for _ in self)
