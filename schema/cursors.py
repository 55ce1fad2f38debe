"""Cursors: a row's place in one caller's one query, encrypted (AES-SIV, RFC 5297) so that it shows no key and serves nobody else.

The caller and the query are the associated data: a cursor of another caller, filter or order does not decrypt.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from connectors.selection import Value
from schema.faults import Code, Fault, bad_input
from schema.values import dumped

KEY_BYTES = 64
_MOST = 24_576
"""Characters of a cursor: one text of 4,096 characters, whatever they are, and other keys beside it."""
_BLOCK = 128
"""Bytes of which a cursor's content is a multiple."""
_MOST_PLACE = (_MOST * 3 // 4 - 16) // _BLOCK * _BLOCK
"""Bytes of the content behind so many characters, but for the cipher's tag."""


class Cursors:
    """Encrypts and decrypts cursors with one 64-byte key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)
        self._salts = hmac.digest(key, b"huitong scrambled order", hashlib.sha256)

    def salt(self, caller: str, resource: str) -> str:
        """The secret by which a resource's rows stand in another order for every caller: 128 bits, in hex; the same on all nodes and for all pages."""
        return hmac.digest(self._salts, orjson.dumps([caller, resource]), hashlib.sha256).hex()[:32]

    def seal(self, binding: bytes, place: Sequence[Value]) -> str:
        """The cursor of the row whose order keys are ``place``. Where one of them cannot be delivered, or is too long, the cursor is good, and refused when used."""
        try:
            content = dumped(place)
        except TypeError:
            content = b"null"
        if len(content) > _MOST_PLACE:
            content = b"false"
        # JSON takes blanks behind it: a cursor's length must not tell that of a hidden key.
        sealed = self._cipher.encrypt(content.ljust(-(-len(content) // _BLOCK) * _BLOCK), [binding])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def seal_shared(self, binding: bytes) -> str:
        """The cursor of a row that shares its place with the next: it is refused when used, for a page behind it would leave rows out."""
        return base64.urlsafe_b64encode(self._cipher.encrypt(b"true".ljust(_BLOCK), [binding])).rstrip(b"=").decode()

    def open(self, binding: bytes, cursor: str) -> list[Value]:
        """The order keys behind a cursor.

        Raises:
            Fault: ``BAD_INPUT`` for anything that this caller's same query did not get from this hub, ``SOURCE_VALUE`` for a place that cannot be told
                or that several rows share.
        """
        try:
            if len(cursor) > _MOST:
                raise ValueError
            sealed = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            place = orjson.loads(self._cipher.decrypt(sealed, [binding]))
        except (InvalidTag, ValueError, binascii.Error):
            raise bad_input(
                "after 不是本次查询的有效游标",
                "after is no valid cursor of this query",
                "请使用同一应用、同一筛选与排序下返回的 endCursor",
                "use an endCursor that the same application got with the same filter and order",
            ) from None
        if place is None:
            raise no_place()
        if place is True:
            raise shared_place()
        if place is False:
            raise bad_input(
                "该页止于过长的排序值，不能由此继续",
                "the page ends at a value of the order that is too long to go on behind it",
                "请换用其他排序、筛选或 first",
                "use another order, filter or first",
            )
        return list(place)


def no_place() -> Fault:
    """A list ends at a row whose place in the order cannot be told: to go on behind it would lose rows."""
    return Fault(
        Code.SOURCE_VALUE,
        "该页止于一个无法交付的排序值，不能由此继续",
        "the page ends at a value of the order that cannot be delivered; there is no going on from there",
        "请换用其他排序或其他 first；该值须由提供部门更正",
        "use another order or another first; the department has to mend the value",
    )


def shared_place() -> Fault:
    """A list's page ends at a row from which the next cannot be told apart: its stable key is the same, or one of them has none."""
    return Fault(
        Code.SOURCE_VALUE,
        "该页止于重复或为空的稳定键，由此继续会遗漏数据行",
        "the page ends at a stable key that stands twice or is null; a page behind it would leave rows out",
        "请换用其他 first；该键须由提供部门更正",
        "use another first; the department has to mend the key",
    )
