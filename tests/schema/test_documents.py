"""Checked documents are kept per view; what a caller may not see is told like a misspelt name (CLS-01, CLS-07)."""

from __future__ import annotations

import pytest
from graphql import GraphQLObjectType, print_schema

from auth.decide import Rights
from schema.documents import MOST_KEPT, OVERHEAD, Documents, InvalidDocument
from schema.faults import Code, Fault
from schema.plan import Plans
from tests.schema.city import HOUSEHOLD, city, grant, rights

pytestmark = pytest.mark.fast
PUBLIC = Rights(None, None, frozenset())


def refusal(text: str, caller: Rights) -> list[str]:
    hub, _ = city()
    with pytest.raises(InvalidDocument) as invalid:
        hub.documents.check(text, hub.view(caller))
    return [error.message for error in invalid.value.errors]


def test_kept_per_view_and_text() -> None:
    hub, _ = city()
    mine, other = hub.view(rights(grant())), hub.view(rights(grant()))
    text = "{ civilAffairs { persons { nodes { name } } } }"
    first = hub.documents.check(text, mine)
    assert hub.documents.check(text, mine) is first
    assert hub.documents.check(text, other) is not first
    assert first.node is hub.documents.check(text, other).node, "parsed once"


def test_valid_for_one_caller_is_not_valid_for_another() -> None:
    hub, _ = city()
    text = "{ civilAffairs { persons { nodes { name } } } }"
    hub.documents.check(text, hub.view(rights(grant())))
    with pytest.raises(InvalidDocument):
        hub.documents.check(text, hub.view(rights()))


@pytest.mark.parametrize(
    ("template", "hidden", "misspelt", "caller"),
    [
        ("{{ civilAffairs {{ {} {{ nodes {{ name }} }} }} }}", "persons", "persens", rights()),
        ("{{ {} {{ secrets {{ nodes {{ address }} }} }} }}", "housing", "hausing", rights(grant())),
        ("{{ civilAffairs {{ persons {{ nodes {{ {} }} }} }} }}", "idNumber", "idNumbre", rights(grant())),
        ('{{ civilAffairs {{ persons(where: {{{}: {{eq: "1"}}}}) {{ nodes {{ name }} }} }} }}', "phone", "phome", rights(grant())),
        ("{{ civilAffairs {{ persons(orderBy: [{{{}: ASC}}]) {{ nodes {{ name }} }} }} }}", "phone", "phome", rights(grant())),
        ("{{ civilAffairs {{ ... on {} {{ __typename }} }} }}", "HousingSecret", "HousingSecrat", rights(grant())),
        ('{{ civilAffairs {{ verifyPerson(subject: {{idNumber: "x"}}, claims: {{{}: "1"}}) {{ outcome }} }} }}', "phone", "phome", rights(grant())),
        ("{{ {} {{ households {{ totalCount }} }} }}", "civilAffairs", "civilAffeirs", PUBLIC),
    ],
)
def test_forbidden_reads_like_misspelt(template: str, hidden: str, misspelt: str, caller: Rights) -> None:
    told = refusal(template.format(hidden), caller)
    assert [message.replace(hidden, "NAME") for message in told] == [m.replace(misspelt, "NAME") for m in refusal(template.format(misspelt), caller)]
    assert not any("Did you mean" in message for message in told)


def test_the_whole_schema_holds_nothing_hidden() -> None:
    hub, _ = city()
    text = print_schema(hub.view(rights(grant())).full)
    assert "CivilAffairsPerson" in text
    for hidden in ("Secret", "housing", "idNumber: String\n"):
        assert hidden not in text.replace("input CivilAffairsPersonSubject", "")
    where = text[text.index("input CivilAffairsPersonWhere") :].partition("}")[0]
    assert "name:" in where
    assert "phone" not in where
    assert "idNumber" not in where


def test_public_sees_only_what_is_open() -> None:
    hub, _ = city()
    query = hub.view(PUBLIC).full.query_type
    assert isinstance(query, GraphQLObjectType)
    assert list(query.fields) == ["hub"], HOUSEHOLD.open_class


@pytest.mark.parametrize(("name", "says"), [(None, "several operations"), ("", "several operations"), ("C", "no operation of the name")])
def test_operation_must_be_named(name: str | None, says: str) -> None:
    hub, _ = city()
    document = hub.documents.check("query A { __typename } query B { __typename }", hub.view(rights(grant())))
    with pytest.raises(Fault, match=says) as fault:
        document.operation(name)
    assert fault.value.code is Code.BAD_REQUEST
    assert document.operation("B").name.value == "B"  # type: ignore[union-attr]


def test_what_is_kept_of_documents_and_plans_is_bounded_by_their_length() -> None:
    hub, _ = city()
    view = hub.view(rights(grant()))
    documents, plans = Documents(characters=3 * OVERHEAD), Plans(3 * OVERHEAD)
    texts = [f"{{ a{number}: civilAffairs {{ persons {{ nodes {{ name }} }} }} }}" for number in range(3)]
    checked = [documents.check(text, view) for text in texts]
    made = [plans.plan(view, each, each.operation(None), {}) for each in checked]
    again = [documents.check(text, view) for text in reversed(texts)]
    assert [known is found for known, found in zip(reversed(checked), again, strict=True)] == [True, True, False]
    assert plans.plan(view, checked[2], checked[2].operation(None), {}) is made[2]
    assert plans.plan(view, checked[0], checked[0].operation(None), {}) is not made[0]


def test_a_very_long_document_is_not_kept() -> None:
    hub, _ = city()
    view, plans = hub.view(rights(grant())), Plans()
    text = "{ civilAffairs { persons { nodes { name } } } }" + " " * MOST_KEPT
    document = hub.documents.check(text, view)
    assert hub.documents.check(text, view) is not document
    assert plans.plan(view, document, document.operation(None), {}) is not plans.plan(view, document, document.operation(None), {})


def test_a_document_is_kept_without_the_places_of_its_parts_and_its_errors_tell_them() -> None:
    hub, _ = city()
    view = hub.view(rights(grant()))
    assert hub.documents.check("{\n  civilAffairs { __typename }\n}", view).node.loc is None
    with pytest.raises(InvalidDocument) as invalid:
        hub.documents.check("{\n  civilAffeirs { __typename }\n}", view)
    assert [(place.line, place.column) for place in invalid.value.errors[0].locations or ()] == [(2, 3)]


def test_names_that_are_no_fields_are_not_kept() -> None:
    """Names at the root may be any text before a document is checked."""
    hub, _ = city()
    view = hub.view(rights(grant()))
    for number in range(5):
        with pytest.raises(InvalidDocument):
            hub.documents.check(f"{{ {'a' * 5000}{number} }}", view)
    assert sum(len(name) for names in view._asked for name in names) < 5000
