"""What chunks hold of a source's keys is encrypted in the control database (AES-SIV, RFC 5297).

The chunk and its job's plan and input are the associated data: what stands in one chunk opens in no other, of no other job, under no other plan (G2).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from schema.values import dumped

_BLOCK = 128
"""Bytes of which the content is a multiple, so that its length does not tell that of a key."""


class Tampered(Exception):
    """What was sealed for something else, or by another key."""


class Seals:
    """Seals with a key of its own, made of the hub's key for cursors."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(hmac.digest(key, b"huitong exchange chunks", hashlib.sha512))

    def seal(self, binding: Sequence[str | int], value: object) -> bytes:
        """The value, which is JSON, for this binding alone.

        Raises:
            TypeError: it holds a value that cannot be delivered: nothing can begin behind it.
        """
        content = dumped(value)
        return self._cipher.encrypt(content.ljust(-(-len(content) // _BLOCK) * _BLOCK), [orjson.dumps(binding)])

    def open(self, binding: Sequence[str | int], sealed: bytes) -> Any:
        """The value behind what ``seal`` made.

        Raises:
            Tampered: it was made for another binding.
        """
        try:
            return orjson.loads(self._cipher.decrypt(sealed, [orjson.dumps(binding)]))
        except (InvalidTag, ValueError):
            raise Tampered from None
