"""The face that a resource turns to one caller: which items, links, keys and claims exist for it. Types and plans are both made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from auth.decide import Rights, decide
from auth.rights import Decision, ItemDecision, Operation, Shown
from connectors.registry import links_within
from schema.model import Item, Link, Resource, Snapshot
from schema.naming import camel, pascal, type_name


@dataclass(frozen=True, eq=False)
class Face:
    """One resource as one caller may use it. Names are GraphQL names."""

    resource: Resource
    decision: Decision
    _faces: Callable[[str], Face | None]
    _linking: bool = False
    """Whether the resource's source filters through links."""

    @cached_property
    def type_name(self) -> str:
        """Name of the object type."""
        return type_name(self.resource.code)

    @cached_property
    def fields(self) -> Mapping[str, Item]:
        """Items whose value the caller sees, clear or masked."""
        return {camel(code): item for code, item in self.resource.items.items() if self.decided(code).shown is not Shown.ABSENT}

    @cached_property
    def keys(self) -> Mapping[str, Item]:
        """Identifiers by which the caller may look up."""
        items = self.resource.items
        return {camel(code): items[code] for code in self.resource.identifiers if self.decided(code).usable_as_key}

    @cached_property
    def filters(self) -> Mapping[str, Item]:
        """Items that may stand in filters and orders: seen in clear, and marked filterable."""
        return {name: item for name, item in self.fields.items() if item.filterable and self._clear(item)}

    @cached_property
    def claims(self) -> Mapping[str, Item]:
        """Items about which a claim may be verified: granted in clear; of few values only where they may be queried as well."""
        queryable = self.decision.allows(Operation.QUERY)
        return {name: item for name, item in self.fields.items() if self._clear(item) and (queryable or not item.low_cardinality)}

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
        return link.to_item in target.resource.identifiers and self.resource.items[link.item].kind is target.resource.items[link.to_item].kind

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
        """Fields on the department's type → what they do: ``one``, ``list``, ``verify`` or ``verify_many``."""
        resource, names = self.resource, {}
        if self.listed:
            if self.keys:
                names[camel(resource.short)] = "one"
            names[camel(resource.plural)] = "list"
        if self.verifiable:
            names[f"verify{pascal(resource.short)}"] = "verify"
            names[f"verify{pascal(resource.plural)}"] = "verify_many"
        return names

    def decided(self, code: str) -> ItemDecision:
        """The decision on an item of this resource."""
        return self.decision.items.get(code, _ABSENT)

    def _clear(self, item: Item) -> bool:
        return self.decided(item.code).shown is Shown.CLEAR


_ABSENT = ItemDecision(Shown.ABSENT)


class Faces:
    """All faces of one snapshot for one set of rights, made when first asked for."""

    def __init__(self, snapshot: Snapshot, rights: Rights) -> None:
        self.snapshot = snapshot
        self.rights = rights
        self._made: dict[str, Face | None] = {}

    def face(self, code: str) -> Face | None:
        """The resource's face, or ``None`` where it does not exist for the caller."""
        if code not in self._made:
            resource = self.snapshot.resources.get(code)
            decision = decide(resource.policy, self.rights) if resource else None
            face = Face(resource, decision, self.face, self._links_within(resource)) if resource and decision else None
            self._made[code] = face if face and not face.empty else None
        return self._made[code]

    def _links_within(self, resource: Resource) -> bool:
        source = self.snapshot.sources.get(resource.source)
        return source is not None and links_within(source.kind)

    def department(self, code: str) -> Mapping[str, tuple[str, Face]]:
        """Fields of a department's type → (what they do, the face); empty where nothing of it is visible."""
        fields: dict[str, tuple[str, Face]] = {}
        for resource in self.snapshot.by_department.get(code, ()):
            face = self.face(resource.code)
            if face is not None:
                fields |= {name: (action, face) for name, action in face.roots.items()}
        return fields

    @cached_property
    def departments(self) -> Mapping[str, str]:
        """Root fields → department codes, of the departments of which the caller can use something."""
        return {camel(code): code for code in self.snapshot.by_department if self.department(code)}
