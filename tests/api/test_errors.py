"""Errors in the caller's language, with codes, origins and statuses."""

from __future__ import annotations

import pytest

from hub.api.admission import Admission
from hub.errors import STATUS, error_json, field_errors, internal, prefers_english, request_errors, status_of
from schema.answer import FieldError
from schema.documents import InvalidDocument
from schema.faults import Code, Fault
from tests.api.admitted import admitted
from tests.schema.city import city, grant, rights

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("header", "english"),
    [
        ("", False),
        ("zh-CN", False),
        ("en", True),
        ("en-GB,en;q=0.9", True),
        ("en;q=0.5, zh;q=0.9", False),
        ("zh;q=0.1, en;q=0.2", True),
        ("zh, en", False),
        ("en, zh", False),
        ("fr", False),
        ("*", False),
        ("EN-us", True),
        ("en;q=x", False),
        ("en;q=0", False),
        (";;;,,,q=1", False),
        ("en; q=0.8", True),
    ],
)
def test_languages(header: str, english: bool) -> None:
    assert prefers_english(header) is english


def test_an_error() -> None:
    fault = Fault(Code.SOURCE_UNAVAILABLE, "数据源暂不可用", "not available", "请稍后重试", "try later")
    assert error_json(fault, "call_1", False, ("a", 0)) == {
        "message": "数据源暂不可用",
        "path": ["a", 0],
        "extensions": {
            "code": "SOURCE_UNAVAILABLE",
            "origin": "SOURCE",
            "retryable": True,
            "call": "call_1",
            "hint": "请稍后重试",
            "messageEn": "not available",
            "hintEn": "try later",
        },
    }
    english = error_json(fault, "call_1", True)
    assert (english["message"], english["extensions"]["hint"]) == ("not available", "try later")
    assert "path" not in english
    assert {"hint", "hintEn"}.isdisjoint(error_json(Fault(Code.FORBIDDEN, "不", "no"), "c", True)["extensions"])
    assert [e["path"] for e in field_errors([FieldError(("x", 1), fault)], "c", True)] == [["x", 1]]


def test_an_invalid_document_has_an_error_for_each_finding() -> None:
    hub, _ = city()
    with pytest.raises(InvalidDocument) as invalid:
        hub.documents.check("{ civilAffairs {\n nobody nothing } }", hub.view(rights(grant())))
    found = request_errors(invalid.value, "c", True)
    assert [error["locations"] for error in found] == [[{"line": 2, "column": 2}], [{"line": 2, "column": 9}]]
    assert {error["extensions"]["code"] for error in found} == {"INVALID_DOCUMENT"}
    chinese = request_errors(invalid.value, "c", False)
    assert chinese[0]["message"].startswith("查询文档无效")
    assert "nobody" in chinese[0]["extensions"]["messageEn"]


def test_every_code_has_a_status() -> None:
    assert set(STATUS) == set(Code)
    assert all(400 <= status < 600 for status in STATUS.values())
    assert [status_of(code, False) for code in (Code.INVALID_DOCUMENT, Code.UNAUTHENTICATED, Code.RATE_LIMITED)] == [400, 401, 429]


def test_a_readable_request_is_200_for_legacy_callers() -> None:
    assert {code for code in Code if status_of(code, True) == 200} == {Code.INVALID_DOCUMENT, Code.BAD_INPUT, Code.QUERY_BUDGET}


@pytest.mark.parametrize("code", list(Code))
def test_origin_and_retry(code: Code) -> None:
    fault = Fault(code, "", "")
    assert fault.origin.value in ("CLIENT", "HUB", "SOURCE")
    assert not (fault.retryable and code in (Code.FORBIDDEN, Code.BAD_INPUT, Code.UNAUTHENTICATED))


def test_what_should_not_happen_tells_nothing_of_its_inside() -> None:
    fault = internal()
    assert (fault.code, fault.zh, fault.en) == (Code.INTERNAL, "平台内部错误", "internal error of the hub")


def test_admission() -> None:
    admission = Admission(3, 2)
    with admitted(admission, "a"), admitted(admission, "a"):
        with pytest.raises(Fault, match="too many calls at once") as fault, admitted(admission, "a"):
            raise AssertionError
        assert fault.value.code is Code.RATE_LIMITED
        with admitted(admission, "b"), pytest.raises(Fault, match="the hub is busy"), admitted(admission, "c"):
            raise AssertionError
    with admitted(admission, "a"), admitted(admission, "a"), admitted(admission, "b"):
        pass
    with pytest.raises(ZeroDivisionError), admitted(admission, "a"):
        _ = 1 / 0
    assert not admission._each
