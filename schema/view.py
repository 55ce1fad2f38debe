"""The GraphQL schema that one caller sees: the coding-time schema joined with the types of the resources that exist for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from cachetools import LRUCache
from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
)

from schema.cuts import CutSchema
from schema.faces import Face, Faces
from schema.making import Making
from schema.model import Snapshot
from schema.naming import TYPE_SUFFIXES, camel, pascal

_CUTS = 256
_ASKED_LENGTH = 1000
"""Characters of all names of root fields together, which may be any: a document is checked afterwards."""


class View(Making):
    """One caller's schema, for one snapshot and fingerprint. Types are made when first asked for, once, and shared by the small schemas cut from it."""

    def __init__(self, base: GraphQLSchema, faces: Faces) -> None:
        super().__init__(base, faces)
        self._base = base
        self._cuts: LRUCache[frozenset[str], GraphQLSchema] = LRUCache(_CUTS)
        self._asked: LRUCache[frozenset[str], GraphQLSchema] = LRUCache(_CUTS)
        self.age = 0
        """How often it was renewed."""

    def renewed(self, snapshot: Snapshot, touched: frozenset[str]) -> View:
        """The same caller's view of a later snapshot, sharing all that has nothing to do with the departments that were touched (by code)."""
        made = View(self._base, self.faces.renewed(snapshot, touched))
        made.age = self.age + 1
        roots = {camel(code) for code in touched}
        made._cuts.update({wanted: schema for wanted, schema in self._cuts.items() if not wanted & roots})
        return made

    def apart(self, only: frozenset[str] | None = None) -> View:
        """The same view, sharing nothing with this one; of these departments only where ``only`` is given (by code)."""
        return View(self._base, self.faces.apart(only))

    def dismantle(self) -> None:
        """Takes apart what was made of a view that shares nothing: its types refer to each other in circles, which else wait for a long collection."""
        for wing in self.faces.forget():
            for each in wing.types.values():
                vars(each).clear()
        vars(self).clear()

    @property
    def full(self) -> GraphQLSchema:
        """The whole schema with every type in its ``type_map``, made anew: what all cuts are part of. Its cost grows with the catalog."""
        query = self.whole.query_type
        types = list(self._shared.types.values())
        return GraphQLSchema(query, self._base.mutation_type, types=types, extensions=dict(self._base.extensions), assume_valid=True)

    @cached_property
    def whole(self) -> CutSchema:
        """The schema that has all departments; types are made when they are looked up."""
        return self._cut(self.faces.departments)

    def schema(self, root_fields: frozenset[str]) -> GraphQLSchema:
        """The schema cut to the departments that a document names: what a document is checked against and costs in proportion to it."""
        found = self._asked.get(root_fields)
        if found is None:
            wanted = frozenset(name for name in root_fields if name in self.faces.departments)
            found = self._cuts.get(wanted)
            if found is None:
                found = self._cuts[wanted] = self._cut(wanted)
            if sum(map(len, root_fields)) <= _ASKED_LENGTH:
                self._asked[root_fields] = found
        return found

    def _cut(self, wanted: Collection[str]) -> CutSchema:
        shared = self._shared.schema.query_type

        def fields() -> dict[str, GraphQLField]:
            own = {name: self._root(code) for name, code in self._roots(wanted)}
            return {**(shared.fields if shared else {}), **own}

        query = GraphQLObjectType("Query", fields, description=shared.description if shared else None)
        return CutSchema(self._shared.schema, query, self.named)

    def _roots(self, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
        """Root fields and departments in the catalog's order."""
        known = self.faces.snapshot.by_root_field
        listed = wanted if wanted is self.faces.departments else sorted(wanted, key=list(known).index) if len(wanted) > 1 else wanted
        return ((name, known[name]) for name in listed)

    def shared_types(self) -> Mapping[str, GraphQLNamedType]:
        """The types that belong to no department, ``Query`` among them, by name."""
        query = self.whole.query_type
        return {**self._shared.schema.type_map, **({query.name: query} if query else {})}

    def types(self, code: str) -> Mapping[str, GraphQLNamedType]:
        """All types of a department that exist for the caller, by name."""
        if not self.faces.visible(code):
            return {}
        made = self._department(code)
        return {made.name: made, **{name: found for name, found in self._made(code).items() if name != made.name}}

    def _made(self, code: str) -> Mapping[str, GraphQLNamedType]:
        # A department's fields lead to all its types: what links may lead to is listed there as well.
        for name in self.faces.department(code):
            self.field(code, name)
        return self.faces.wing(code).types

    def named(self, name: str) -> GraphQLNamedType | None:
        """The type of this name; ``None`` where none exists for the caller."""
        found: GraphQLNamedType | None = self._shared.schema.type_map.get(name)
        snapshot = self.faces.snapshot
        owner = self.faces.departments.get(name[:1].lower() + name[1:])
        if found is None and owner is not None and pascal(owner) == name:
            found = self._department(owner)
        for code in dict.fromkeys(snapshot.by_type.get(name.removesuffix(suffix), "") for suffix in TYPE_SUFFIXES):
            face = self.faces.face(code)
            if found is None and face is not None:
                found = self._types_of(face).get(name)
        return found

    def _types_of(self, face: Face) -> Mapping[str, GraphQLNamedType]:
        """Types of the face's department, its own among them."""
        for name in face.roots:
            self.field(face.resource.department, name)
        return self.faces.wing(face.resource.department).types
