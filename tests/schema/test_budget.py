"""A document's cost is measured in time linear in its text, whatever it multiplies out to (security C1-C5)."""

from __future__ import annotations

import pytest
from graphql import FragmentDefinitionNode, SelectionSetNode, parse

import schema.budget
from schema.budget import Budget, check_budget
from schema.documents import Documents, InvalidDocument
from schema.faults import Code, Fault
from tests.schema.city import city, grant, rights

pytestmark = pytest.mark.fast


class CountingMeter(schema.budget._Meter):
    """Counts the selection sets that it looks at."""

    looked = 0

    def selections(self, selected: SelectionSetNode | None) -> schema.budget.Cost:
        self.looked += 1
        return super().selections(selected)


def doubling(count: int) -> str:
    spreads = [f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(count)]
    return "\n".join(["{ ...F0 }", *spreads, f"fragment F{count} on Query {{ __typename }}"])


def alias_tree(count: int) -> str:
    spreads = [f"fragment F{i} on Query {{ a: civilAffairs {{ ...F{i + 1} }} b: civilAffairs {{ ...F{i + 1} }} }}" for i in range(count)]
    return "\n".join(["{ ...F0 }", *spreads, f"fragment F{count} on Query {{ __typename }}"])


@pytest.mark.parametrize("text", [doubling(45), alias_tree(40)], ids=["fragments that double", "aliases that double"])
def test_each_selection_set_is_looked_at_once(text: str) -> None:
    document = parse(text)
    meter = CountingMeter(document)
    operation = document.definitions[0]
    meter.selections(operation.selection_set)  # type: ignore[attr-defined]
    written = text.count("{")
    assert meter.looked == written
    assert sum(isinstance(d, FragmentDefinitionNode) for d in document.definitions) == len(meter.done)


@pytest.mark.parametrize("text", [doubling(45), alias_tree(40)], ids=["fragments that double", "aliases that double"])
def test_doubling_is_refused(text: str) -> None:
    with pytest.raises(Fault) as refused:
        check_budget(parse(text), Budget())
    assert refused.value.code is Code.QUERY_BUDGET


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{ a { b { c } } }", "depth"),
        ("{ a b c }", "root fields"),
        ("{ a { b c d e f } }", "fields"),
        ("query A { a } query B { a } query C { a }", "operations"),
        ("{ ...A } fragment A on Q { a } fragment B on Q { a } fragment C on Q { a }", "fragments"),
        ("{ a @skip(if: true) @skip(if: true) @skip(if: true) }", "directives"),
        ("{ ... { a { ...A } } } fragment A on Q { b { c } }", "depth"),
    ],
)
def test_each_bound(text: str, says: str) -> None:
    with pytest.raises(Fault, match=f"more than 2 {says}|more than 4 {says}"):
        check_budget(parse(text), Budget(depth=2, fields=4, root_fields=2, operations=2, fragments=2, directives=2))


def test_what_fits_passes_and_introspection_may_be_deep() -> None:
    check_budget(parse("{ a { b c } }"), Budget(depth=2, fields=3, root_fields=1))
    deep = "{ __schema " + "{ ofType " * 15 + "{ name }" + " }" * 16
    check_budget(parse(deep), Budget())


@pytest.mark.parametrize("text", ["{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "{ ...Missing }"])
def test_cycles_and_unknown_fragments_end_and_are_named_by_validation(text: str) -> None:
    check_budget(parse(text), Budget())
    hub, _ = city()
    with pytest.raises(InvalidDocument) as invalid:
        hub.documents.check(text, hub.view(rights(grant())))
    assert "fragment" in str(invalid.value).lower()


@pytest.mark.parametrize(
    "text",
    ["", "{", "subscription { a }", "fragment A on Query { __typename }", "{ " + "a " * 6000 + "}", "#\n" * 3000 + "{ a }", "type A { b: Int }", "{" * 5000],
    ids=["empty", "syntax", "subscription", "no operation", "tokens", "comments", "definition", "nesting"],
)
def test_what_is_no_document_is_invalid_and_not_kept(text: str) -> None:
    hub, _ = city()
    documents = Documents()
    with pytest.raises(InvalidDocument):
        documents.check(text, hub.view(rights(grant())))
    assert not documents._checked


def test_what_introspection_knows_may_be_looked_up_type_by_type() -> None:
    """As gql.tada does before it asks for the schema."""
    probed = " ".join(f't{i}: __type(name: "__{name}") {{ fields {{ name }} }}' for i, name in enumerate(("Type", "Field", "Directive", "InputValue")))
    check_budget(parse(f"{{ {probed} __schema {{ queryType {{ name }} }} }}"), Budget())


@pytest.mark.parametrize("named", ['"Query"', "$name", "__Type"], ids=["a type of the schema", "a variable", "no text"])
def test_other_types_count(named: str) -> None:
    with pytest.raises(Fault, match="introspections"):
        check_budget(parse("{ " + " ".join(f"t{i}: __type(name: {named}) {{ name }}" for i in range(3)) + " }"), Budget())
