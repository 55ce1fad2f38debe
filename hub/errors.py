"""Faults → what callers receive: GraphQL errors in their language, and the HTTP status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from schema.answer import FieldError
from schema.documents import InvalidDocument
from schema.faults import Code, Fault, bad_input
from schema.messages import in_chinese

STATUS = {
    Code.UNAUTHENTICATED: 401,
    Code.BAD_REQUEST: 400,
    Code.PERSISTED_QUERY_NOT_SUPPORTED: 400,
    Code.INVALID_DOCUMENT: 400,
    Code.BAD_INPUT: 400,
    Code.FORBIDDEN: 403,
    Code.QUERY_BUDGET: 400,
    Code.PURPOSE_REQUIRED: 400,
    Code.PURPOSE_NOT_GRANTED: 403,
    Code.RATE_LIMITED: 429,
    Code.QUOTA_EXCEEDED: 429,
    Code.VERIFICATION_BUDGET: 429,
    Code.SOURCE_UNAVAILABLE: 503,
    Code.SOURCE_VALUE: 503,
    Code.TIMEOUT: 503,
    Code.LEDGER_UNAVAILABLE: 503,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.LOOP: 508,
    Code.INTERNAL: 500,
}
"""HTTP status of a request that fails as a whole, under ``application/graphql-response+json``."""

_AFTER_PARSING = {Code.INVALID_DOCUMENT, Code.BAD_INPUT, Code.QUERY_BUDGET}


def status_of(code: Code, legacy: bool) -> int:
    """The status; ``legacy`` (``application/json``) answers a readable GraphQL request with 200 (GraphQL over HTTP, §6.4.1)."""
    return 200 if legacy and code in _AFTER_PARSING else STATUS[code]


def internal() -> Fault:
    """What is told of a failure that should not happen: nothing of its inside."""
    return Fault(
        Code.INTERNAL,
        "平台内部错误",
        "internal error of the hub",
        "请携带 call 编号联系大数据主管部门",
        "tell the hub's administrators the call's number",
    )


def unstorable() -> Fault:
    """An argument that PostgreSQL cannot compare with anything it keeps."""
    zh, en = "参数含有控制库不能保存的值", "an argument holds what the control database cannot keep (the character U+0000, or a number too large)"
    return bad_input(zh, en, "请更正参数：U+0000 字符，或过大的数", "correct the argument")


def nul_in_address() -> Fault:
    """An address that can name nothing."""
    zh, en = "地址中含有字符 U+0000", "the address holds the character U+0000"
    return Fault(Code.BAD_REQUEST, zh, en, "请删去该字符", "take the character away")


def prefers_english(accept_language: str) -> bool:
    """Whether English comes before Chinese in ``Accept-Language``; Chinese is the default."""
    best: dict[str, float] = {}
    for part in accept_language.lower().split(","):
        tag, _, parameters = part.strip().partition(";")
        quality = parameters.strip().removeprefix("q=") if parameters else "1"
        try:
            best.setdefault(tag.split("-")[0], float(quality))
        except ValueError:
            continue
    return best.get("en", 0) > best.get("zh", 0)


def error_json(fault: Fault, call: str, english: bool, path: Sequence[str | int] | None = None) -> dict[str, Any]:
    """One entry of ``errors``."""
    extensions: dict[str, Any] = {"code": fault.code.value, "origin": fault.origin.value, "retryable": fault.retryable, "call": call}
    hint = fault.hint_en if english else fault.hint_zh
    if hint:
        extensions["hint"] = hint
    if fault.retry_after is not None:
        extensions["retryAfter"] = fault.retry_after
    extensions["messageEn"] = fault.en
    if fault.hint_en:
        extensions["hintEn"] = fault.hint_en
    made: dict[str, Any] = {"message": fault.en if english else fault.zh, "extensions": extensions}
    if path is not None:
        made["path"] = list(path)
    return made


def request_errors(fault: Fault, call: str, english: bool) -> list[dict[str, Any]]:
    """``errors`` of a request that fails as a whole; an invalid document has one entry per finding, with its place."""
    if not isinstance(fault, InvalidDocument):
        return [error_json(fault, call, english)]
    return [_document_error(fault, error, call, english) for error in fault.errors]


def _document_error(fault: InvalidDocument, error: GraphQLError, call: str, english: bool) -> dict[str, Any]:
    each = Fault(fault.code, f"查询文档无效：{in_chinese(error.message)}", error.message, fault.hint_zh, fault.hint_en)
    made = error_json(each, call, english)
    if error.locations:
        made["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    return made


def field_errors(errors: Sequence[FieldError], call: str, english: bool) -> list[dict[str, Any]]:
    """``errors`` beside data."""
    return [_field_error(error, call, english) for error in errors]


def _field_error(error: FieldError, call: str, english: bool) -> dict[str, Any]:
    made = error_json(error.fault, call, english, error.path)
    if error.rows:
        made["extensions"] |= {"field": error.field, "rows": error.rows}
    return made
