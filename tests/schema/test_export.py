"""What a document of an exchange may select: one list and its nodes; ``__typename``, which clients put everywhere, is no field beside it."""

from __future__ import annotations

import pytest

from schema.export import Export, export_of
from schema.faults import Code, Fault
from tests.schema.city import city, grant, rights

pytestmark = pytest.mark.fast


def exported(text: str) -> Export:
    hub, _ = city()
    view = hub.view(rights(grant()))
    document = hub.documents.check(text, view)
    return export_of(hub.plans.plan(view, document, document.operation(None), {}))


@pytest.mark.parametrize(
    "text",
    [
        "{ civilAffairs { persons { nodes { name } } } }",
        "{ __typename civilAffairs { __typename persons { __typename nodes { name } pageInfo { __typename } } } }",
    ],
)
def test_names_of_types_are_nothing_beside_the_list(text: str) -> None:
    assert [path for path, _ in exported(text).columns] == [("name",)]


@pytest.mark.parametrize(
    "text",
    [
        "{ __typename civilAffairs { __typename } }",
        "{ civilAffairs { persons { nodes { name } } others: persons { nodes { name } } } }",
        "{ civilAffairs { persons { nodes { name } } } __schema { __typename } }",
    ],
)
def test_one_list_and_nothing_else(text: str) -> None:
    with pytest.raises(Fault, match="exactly one list") as refused:
        exported(text)
    assert refused.value.code is Code.BAD_INPUT
