"""Why a request's body is not read: what its headers announce, or its bytes are, something else than JSON in UTF-8. Each fault names what was sent."""

from __future__ import annotations

import json
from codecs import BOM_UTF8

import orjson

from schema.faults import Code, Fault

_JSON = "application/json"
_UTF8 = ("utf-8", "utf8")
"""``utf8`` is no registered name (IANA), and what many write."""
_SHOWN = 60
_ONLY = ("只接受未压缩的 JSON(UTF-8)", "only JSON in UTF-8, not compressed, is accepted")


def unread_media(content_type: str, encoding: str) -> Fault | None:
    """What is wrong with ``Content-Type`` and ``Content-Encoding``; nothing with JSON in UTF-8 as it is."""
    zh, en = _ONLY
    if encoding.strip().lower() not in ("", "identity"):
        return Fault(Code.BAD_REQUEST, zh, en, "请勿压缩请求体，并去掉 Content-Encoding", "send the body as it is, without Content-Encoding")
    media, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [value.strip().strip('"') for name, _, value in (each.partition("=") for each in parameters) if name.strip() == "charset"]
    if media == _JSON and all(each in _UTF8 for each in charsets):
        return None
    shown = json.dumps(content_type[:_SHOWN]) if content_type else ""
    received = (f"收到 Content-Type: {shown}", f"received Content-Type: {shown}") if shown else ("未收到 Content-Type", "received no Content-Type")
    remedy = (f"请发送 Content-Type: {_JSON}，请求体以 UTF-8 编码", f"send Content-Type: {_JSON} with a body in UTF-8")
    return Fault(Code.BAD_REQUEST, f"{zh}，{received[0]}", f"{en}; {received[1]}", *remedy)


def unread_body(body: bytes, error: orjson.JSONDecodeError) -> Fault:
    """Why the bytes are no JSON."""
    if not body:
        zh, en = "请求体为空", "the body is empty"
        return Fault(Code.BAD_REQUEST, zh, en, '请发送 JSON，如 {"query": "{ __typename }"}', 'send JSON, such as {"query": "{ __typename }"}')
    if body.startswith(BOM_UTF8):
        zh, en = "请求体以字节顺序标记（BOM）开头", "the body begins with a byte order mark (BOM)"
        return Fault(Code.BAD_REQUEST, zh, en, "请以不带 BOM 的 UTF-8 保存", "save it as UTF-8 without one")
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        place, byte = wrong.start + 1, body[wrong.start]
        zh, en = f"请求体不是 UTF-8 编码（第 {place} 个字节 0x{byte:02X}）", f"the body is not UTF-8 (byte {place}, 0x{byte:02X})"
        remedy = (
            "请以 UTF-8 编码发送；Windows 命令行与旧版 Java 默认以 GBK 编码",
            "send it in UTF-8; Windows' command line and older Java encode as GBK by default",
        )
        return Fault(Code.BAD_REQUEST, zh, en, *remedy)
    zh, en = f"请求体不是有效的 JSON（第 {error.lineno} 行第 {error.colno} 列）", f"the body is not valid JSON (line {error.lineno}, column {error.colno})"
    return Fault(Code.BAD_REQUEST, zh, en, "请检查 JSON 语法", "check the JSON")
