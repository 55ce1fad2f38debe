"""What is wrong with a document is found out once for each view."""

from __future__ import annotations

import gc
from collections.abc import Callable
from weakref import ref

import pytest

from auth.decide import Rights
from hub.api.prepared import PreparedDocuments
from hub.errors import request_errors
from schema.documents import MOST_KEPT, Document, InvalidDocument
from schema.view import View
from tests.schema.city import city, grant, rights

pytestmark = pytest.mark.fast

_WRONG = "{\n  civilAffairs {\n    persens { nodes { name } }\n    persons { nodes { nome } }\n  }\n}"


def _counted(check: Callable[[str, View], Document], checked: list[str]) -> Callable[[str, View], Document]:
    def counted(text: str, view: View) -> Document:
        checked.append(text)
        return check(text, view)

    return counted


def _refusal(prepared: PreparedDocuments, view: View, text: str) -> list[dict[str, object]]:
    with pytest.raises(InvalidDocument) as invalid:
        prepared.of(view, text, None)
    assert all(error.nodes is None for error in invalid.value.errors)
    return request_errors(invalid.value, "call", english=True)


def test_a_wrong_document_is_checked_once_and_told_the_same() -> None:
    hub, _ = city()
    checked: list[str] = []
    prepared = PreparedDocuments(hub.plans, _counted(hub.documents.check, checked))
    view = hub.view(rights(grant()))
    told = [_refusal(prepared, view, _WRONG) for _ in range(3)]
    assert told[0] == told[1] == told[2]
    assert [error["locations"] for error in told[0]] == [[{"line": 3, "column": 5}], [{"line": 4, "column": 23}]]
    assert checked == [_WRONG]


def test_what_is_wrong_for_one_caller_may_be_right_for_another() -> None:
    hub, _ = city()
    prepared = PreparedDocuments(hub.plans, hub.documents.check)
    text = "{ civilAffairs { persons { nodes { name } } } }"
    assert _refusal(prepared, hub.view(rights()), text)
    for _ in range(2):
        assert prepared.of(hub.view(rights(grant())), text, None).document.text == text
        assert _refusal(prepared, hub.view(rights()), text)
    assert _refusal(prepared, hub.view(Rights(None, None, frozenset())), text)


def test_a_very_long_document_that_is_wrong_is_not_kept() -> None:
    hub, _ = city()
    checked: list[str] = []
    prepared = PreparedDocuments(hub.plans, _counted(hub.documents.check, checked))
    view = hub.view(rights(grant()))
    for _ in range(2):
        assert _refusal(prepared, view, _WRONG + " " * MOST_KEPT)
    assert len(checked) == 2


def test_an_error_in_the_syntax_is_kept_without_its_parser() -> None:
    hub, _ = city()
    prepared = PreparedDocuments(hub.plans, hub.documents.check)
    view = hub.view(rights(grant()))
    for _ in range(2):
        with pytest.raises(InvalidDocument) as invalid:
            prepared.of(view, "{ civilAffairs {\n persons(", None)
        [error] = invalid.value.errors
        assert error.message.startswith("Syntax Error")
        assert error.locations
        assert error.__traceback__ is None


def test_what_is_kept_is_bounded_by_what_it_tells() -> None:
    hub, _ = city()
    checked: list[str] = []
    prepared = PreparedDocuments(hub.plans, _counted(hub.documents.check, checked))
    view = hub.view(rights(grant()))
    unused = " ".join(f"$v{number}: Int" for number in range(20))
    texts = [f"query {'n' * 15_000}{number}({unused}) {{ civilAffairs {{ persons {{ nodes {{ name }} }} }} }}" for number in range(4)]
    for text in (*texts, texts[0]):
        assert len(str(_refusal(prepared, view, text))) > 300_000
    assert len(checked) == 5


def test_a_view_that_is_gone_is_not_kept_by_what_was_refused_to_it() -> None:
    hub, _ = city()
    prepared = PreparedDocuments(hub.plans, hub.documents.check)
    view = hub.view(rights(grant()))
    assert _refusal(prepared, view, _WRONG)
    left = ref(view)
    del view
    gc.collect()
    assert left() is None
