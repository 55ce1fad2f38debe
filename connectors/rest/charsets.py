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
    """The body without a byte order mark; GB18030 and what it contains (GB 2312, GBK) recoded. Other charsets are taken for UTF-8.

    No document begins with the characters that a byte order mark of UTF-8 would be in GB18030.
    """
    if body.startswith(codecs.BOM_UTF8):
        return body.removeprefix(codecs.BOM_UTF8)
    return body.decode("gb18030", "surrogateescape").encode("utf-8", "surrogateescape") if is_chinese(charset) else body
