"""The headers of use (LOG-01): for which purpose, by whom, in which case a call is made."""

from __future__ import annotations

import re
from unicodedata import category
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers

from auth.rights import Decision, Purpose, Use
from schema.documents import Document
from schema.faults import Code, Fault

PURPOSE, OPERATOR, CASE = "Huitong-Purpose", "Huitong-Operator", "Huitong-Case"
_PURPOSE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_MOST_BYTES = 256
_ENCODERS = 'encodeURIComponent (JavaScript), URLEncoder.encode(s, "UTF-8").replace("+", "%20") (Java), urllib.parse.quote (Python)'
_UNSEEN = {"Cc", "Cf", "Zl", "Zp", "Cs"}
"""Unicode's categories of characters that make a text read otherwise than it is: control, format, line and paragraph separators, surrogates."""


def read_use(headers: Headers) -> Use:
    """The use that a request declares, each part or ``None``.

    Raises:
        Fault: ``BAD_REQUEST`` for a header that is ill-formed or stands twice.
    """
    purpose = _one(headers, PURPOSE)
    if purpose is not None and not _PURPOSE.match(purpose):
        raise Fault(Code.BAD_REQUEST, f"{PURPOSE} 不合格式", f"{PURPOSE} is ill-formed", "[A-Za-z0-9._-]{1,64}", "[A-Za-z0-9._-]{1,64}")
    return Use(purpose, _text(headers, OPERATOR), _text(headers, CASE))


def _one(headers: Headers, name: str) -> str | None:
    values = headers.getlist(name)
    if len(values) > 1:
        raise Fault(Code.BAD_REQUEST, f"{name} 出现多次", f"{name} stands more than once", "请只发送一次", "send it once")
    return values[0].strip() or None if values else None


def _text(headers: Headers, name: str) -> str | None:
    value = _one(headers, name)
    if value is None:
        return None
    raw = unquote_to_bytes(value.encode("latin-1"))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        zh, en = f"{name} 不是百分号编码的 UTF-8", f"{name} is not percent-encoded UTF-8"
        raise Fault(Code.BAD_REQUEST, zh, en, f"请以 UTF-8（不是 GBK）编码，如 {_ENCODERS}", f"encode it as UTF-8, e.g. {_ENCODERS}") from None
    if len(raw) > _MOST_BYTES:
        zh, en = f"{name} 有 {len(raw)} 字节，至多 {_MOST_BYTES} 字节", f"{name} has {len(raw)} bytes; {_MOST_BYTES} are the most"
        raise Fault(Code.BAD_REQUEST, zh, en, "请缩短；一个汉字为 3 字节", "shorten it; a Chinese character has 3 bytes")
    if any(category(character) in _UNSEEN for character in text):
        zh, en = f"{name} 含不可见字符", f"{name} holds characters that cannot be seen"
        raise Fault(Code.BAD_REQUEST, zh, en, "请去除控制字符与方向控制符", "remove control and format characters")
    return text.strip() or None


def check_use(use: Use, decisions: list[Decision]) -> Purpose | None:
    """The purpose under which the decisions' resources are used; ``None`` for open data, which needs none.

    Raises:
        Fault: ``PURPOSE_REQUIRED`` or ``PURPOSE_NOT_GRANTED``.
    """
    if not decisions:
        return None
    missing = PURPOSE if use.purpose is None else OPERATOR if use.operator is None else None
    if missing:
        raise Fault(
            Code.PURPOSE_REQUIRED,
            f"缺少用途说明：请求头 {missing}",
            f"the use is not declared: header {missing} is missing",
            f"请携带 {PURPOSE}（用途代码）与 {OPERATOR}（使用人员，百分号编码）",
            f"send {PURPOSE} (a purpose code) and {OPERATOR} (the operator, percent-encoded)",
        )
    found = None
    for decision in decisions:
        found = next((p for p in decision.purposes if p.code == use.purpose), None)
        if found is None:
            known = ", ".join(p.code for p in decision.purposes)
            raise Fault(
                Code.PURPOSE_NOT_GRANTED,
                f"用途 {use.purpose} 未获准用于 {decision.resource}",
                f"the purpose {use.purpose} is not granted for {decision.resource}",
                f"可用用途：{known}",
                f"granted purposes: {known}",
            )
    return found


def check_documents(decisions: list[Decision], document: Document) -> None:
    """Trusted documents: a grant may be limited to approved operations.

    Raises:
        Fault: ``FORBIDDEN``.
    """
    for decision in decisions:
        if decision.documents and document.sha256 not in decision.documents:
            raise Fault(
                Code.FORBIDDEN,
                f"对 {decision.resource} 的授权仅限已批准的查询文档",
                f"the grant for {decision.resource} is limited to approved documents",
                "请使用批准的文档原文，或申请新增",
                "use the approved document's exact text, or apply for another",
            )
