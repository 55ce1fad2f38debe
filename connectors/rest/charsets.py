"""Bodies as UTF-8, from the character sets that services in fact use."""

from __future__ import annotations

import codecs

_CHINESE = {"gb2312", "gbk", "gb18030", "x-gbk", "cp936"}


def is_chinese(charset: str | None) -> bool:
    """GB18030, or a part of it."""
    return charset is not None and charset.strip("\"' ").lower() in _CHINESE


def encodable(text: str, charset: str) -> bool:
    """The charset has all of the text's characters."""
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def utf8(body: bytes, charset: str | None) -> bytes:
    """The body without a byte order mark; UTF-16, and GB18030 with what it contains (GB 2312, GBK), recoded. Other charsets are taken for UTF-8.

    No document begins with the characters that a byte order mark of UTF-8 would be in GB18030.
    """
    if body.startswith(codecs.BOM_UTF8):
        return body.removeprefix(codecs.BOM_UTF8)
    if (wide := _wide(body, charset)) is not None:
        return body.decode(wide, "surrogatepass").removeprefix("\ufeff").encode("utf-8", "surrogatepass") if len(body) % 2 == 0 else body
    return body.decode("gb18030", "surrogateescape").encode("utf-8", "surrogateescape") if is_chinese(charset) else body


def _wide(body: bytes, charset: str | None) -> str | None:
    """UTF-16 in the order of its bytes: its mark tells, else the charset's name, and without an order there the first character, which is ASCII.

    Without a byte that is 0 it is none, whatever it is called.
    """
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16-le" if body.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    name = "" if charset is None else charset.strip("\"' ").lower()
    if name == "utf-16":
        return "utf-16-be" if body[:1] == b"\0" else "utf-16-le" if body[1:2] == b"\0" else None
    return {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}.get(name)
