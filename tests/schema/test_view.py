"""Views cost what is asked of them, and outlive the publication of what has nothing to do with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auth.decide import Rights
from auth.rights import OpenClass, Operation, SharingClass
from connectors.selection import Binding, Kind
from connectors.spi import SourceConfig
from schema.documents import Documents, InvalidDocument
from schema.faces import Faces
from schema.model import Department, Item, Link, Resource, Snapshot
from schema.view import View
from tests.schema.running import BASE

pytestmark = pytest.mark.fast
RIGHTS = Rights("app", None, frozenset(f"{operation.scope_prefix}:unconditional" for operation in Operation))


def resource(department: str, to: str | None = None, **given: object) -> Resource:
    """``DEPARTMENT.thing`` with a key and a name, and a link where ``to`` names a department."""
    items = {code: Item(code, code, Kind.STRING, code, filterable=True) for code in ("key", "name")}
    links = (Link("next", "name", f"{to}.thing", "key"),) if to else ()
    made = Resource(
        code=f"{department}.thing",
        department=department,
        name="物",
        plural="things",
        source=f"{department}.db",
        binding=Binding("thing"),
        identifiers=("key",),
        stable_key="pk",
        stable_kind=Kind.BIGINT,
        items=items,
        links=links,
        sharing_class=SharingClass.UNCONDITIONAL,
        open_class=OpenClass.CLOSED,
        operations=frozenset(Operation),
    )
    return replace(made, **given)  # type: ignore[arg-type]


def snapshot(number: int, *resources: Resource) -> Snapshot:
    departments = {one.department: Department(one.department, "局") for one in resources}
    sources = {one.source: SourceConfig(one.source, "sql", "sqlite:///x") for one in resources}
    return Snapshot(number, departments, sources, {one.code: one for one in resources})


CHAIN = [resource(f"d{i}", f"d{i + 1}") for i in range(40)] + [resource("d40")]


def decided(view: View) -> set[str]:
    """Departments of which the view has decided anything."""
    wings = view.faces._wings
    return {code for (code, _), wing in wings.items() if wing.faces}


def typed(view: View) -> set[str]:
    """Departments of which the view has made any type."""
    return {code for (code, _), wing in view.faces._wings.items() if wing.types}


def test_a_document_costs_the_departments_that_it_names_however_links_run() -> None:
    view = View(BASE, Faces(snapshot(1, *CHAIN), RIGHTS))
    Documents().check("{ d3 { things { nodes { next { name } } } } }", view)
    assert decided(view) <= {"d3", "d4", "d5"}
    assert typed(view) <= {"d3", "d4", "d5"}


def test_a_document_without_departments_makes_nothing() -> None:
    view = View(BASE, Faces(snapshot(1, *CHAIN), RIGHTS))
    Documents().check("{ hub }", view)
    assert decided(view) == typed(view) == set()


def test_types_in_fragments_and_variables_are_found_by_name() -> None:
    view = View(BASE, Faces(snapshot(1, *CHAIN), RIGHTS))
    text = """query ($w: D3ThingWhere, $o: [D3ThingOrder!], $s: D3ThingSubject!, $c: D3ThingClaims!, $d: Direction) {
      d3 { things(where: $w, orderBy: $o) { ...P } verifyThing(subject: $s, claims: $c) { outcome } b: things(orderBy: [{name: $d}]) { nodes { key } } }
    }
    fragment P on D3ThingConnection { edges { ... on D3ThingEdge { node { ... on D3Thing { next { ... on D4Thing { name } } } } } } }"""
    assert Documents().check(text, view).node
    for other in ("D99Thing", "D3ThingNothing", "D3Other", "Query2"):
        with pytest.raises(InvalidDocument):
            Documents().check(text.replace("on D4Thing", f"on {other}"), view)


def test_the_cut_knows_every_type_of_the_full_schema_and_no_other() -> None:
    view = View(BASE, Faces(snapshot(1, *CHAIN[-3:]), RIGHTS))
    full = view.full.type_map
    cut = view.schema(frozenset({"d39"})).type_map
    for name, found in full.items():
        assert cut[name].name == found.name
        if name != "Query":
            assert cut[name] is found
    for name in ("D37Thing", "D40ThingS", "d40Thing", "", "D40thing"):
        assert name not in full
        assert name not in cut
        assert cut.get(name) is None
        with pytest.raises(KeyError):
            cut[name]


class TestRenewal:
    """After a publication."""

    before = snapshot(1, *CHAIN)
    text = "{ d3 { things { nodes { next { name } } } } }"

    def after(self, *changed: Resource) -> Snapshot:
        known = {**self.before.resources, **{one.code: one for one in changed}}
        return Snapshot(2, self.before.departments, self.before.sources, known)

    def test_what_is_reached_by_links_is_touched_and_nothing_else(self) -> None:
        after = self.after(resource("d2", "d3", name="新"))
        assert after.touched_since(self.before) == {"d0", "d1", "d2"}
        assert self.before.touched_since(self.before) == frozenset()

    def test_a_department_that_comes_touches_those_that_wait_for_it(self) -> None:
        early, late = snapshot(1, *CHAIN[:3]), snapshot(2, *CHAIN[:4])
        assert late.touched_since(early) == early.touched_since(late) == {"d0", "d1", "d2", "d3"}

    def test_names_and_sources_count(self) -> None:
        names = {**self.before.departments, "d40": Department("d40", "新局")}
        sources = {**self.before.sources, "d1.db": SourceConfig("d1.db", "sql", "sqlite:///y")}
        renamed = Snapshot(2, names, sources, self.before.resources)
        assert renamed.touched_since(self.before) == {f"d{i}" for i in range(41)}
        assert Snapshot(2, self.before.departments, sources, self.before.resources).touched_since(self.before) == {"d0", "d1"}

    def test_documents_of_untouched_departments_stay_checked(self) -> None:
        documents, view = Documents(), View(BASE, Faces(self.before, RIGHTS))
        known = documents.check(self.text, view)
        after = self.after(resource("d2", "d3", name="新"))
        renewed = view.renewed(after, after.touched_since(self.before))
        assert documents.check(self.text, renewed) is known
        assert renewed.faces.face("d2.thing") is not view.faces.face("d2.thing")

    def test_what_changed_behind_a_link_is_seen(self) -> None:
        documents, view = Documents(), View(BASE, Faces(self.before, RIGHTS))
        documents.check(self.text, view)
        gone = replace(resource("d4", "d5"), items={"key": Item("key", "key", Kind.STRING, "key")})
        after = self.after(gone)
        with pytest.raises(InvalidDocument):
            documents.check(self.text, view.renewed(after, after.touched_since(self.before)))
        documents.check(self.text, view)

    def test_types_made_before_and_after_are_one(self) -> None:
        """A type that an old field leads to is the type of that name, although it is made only after the publication."""
        documents, view = Documents(), View(BASE, Faces(self.before, RIGHTS))
        documents.check("{ d3 { things { nodes { key } } } }", view)
        after = self.after(resource("d2", "d3", name="新"))
        renewed = view.renewed(after, after.touched_since(self.before))
        text = "{ d3 { things { nodes { next { ...N next { ...M } } } } } d5 { things { nodes { ...M } } } } fragment N on D4Thing { name } fragment M on D5Thing { key }"
        documents.check(text, renewed)
        documents.check(text, view)

    def test_a_renewed_view_is_the_view_of_its_snapshot(self) -> None:
        view = View(BASE, Faces(self.before, RIGHTS))
        assert view.full.type_map
        after = self.after(resource("d2", None, name="新"), resource("d7", "d8", sharing_class=SharingClass.NOT_SHARED))
        renewed, fresh = view.renewed(after, after.touched_since(self.before)), View(BASE, Faces(after, RIGHTS))
        assert renewed.full.type_map.keys() == fresh.full.type_map.keys()
        assert list(renewed.faces.departments) == list(fresh.faces.departments)


def test_a_document_makes_the_types_of_the_resources_that_it_names() -> None:
    things = [replace(resource("d0"), code=f"d0.thing_{i}x", plural=f"things_{i}x", source="d0.db") for i in range(30)]
    view = View(BASE, Faces(snapshot(1, *things), RIGHTS))
    documents = Documents()
    documents.check('{ d0 { things7x { nodes { name } } verifyThing8x(subject: {key: "k"}, claims: {name: "n"}) { outcome } } }', view)
    made = view.faces.wing("d0").types
    assert {name for name in made if "7x" not in name and "8x" not in name} == {"D0"}
    assert view.faces.wing("d0").faces.keys() == {"d0.thing_0x", "d0.thing_7x", "d0.thing_8x"}
    with pytest.raises(InvalidDocument):
        documents.check("{ d0 { things99x { nodes { name } } } }", view)
