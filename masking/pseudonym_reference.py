"""Keyed pseudonyms, written to be read: HKDF and HMAC step by step, for the compiled ones to be compared with."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes

from masking.canonical import canonical_identifier
from masking.pseudonym import DATASET, DIGESTS, KEYS, LENGTH, MasterKey
from masking.rules import Mask

_BLOCK = 64
"""Bytes of a block of SM3 and of SHA-256."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
"""Base32 (RFC 4648 §6), in lower case."""


def pseudonym(mask: Mask, value: object) -> str | None:
    """The pseudonym of a value. Withheld: what is no text, blank or not encodable, and all where the rule has no consumer or its key is not here."""
    if not isinstance(value, str) or "\0" in value or len(mask.parameters) != 3:
        return None
    project, consumer, key_id = (str(part) for part in mask.parameters)
    key = KEYS.find(key_id)
    if key is None or project == consumer == "":
        return None
    try:
        content = canonical_identifier(value).encode()
    except UnicodeEncodeError:
        return None
    if content == b"":
        return None
    whose = ("project", project) if project else ("consumer", consumer)
    number = int.from_bytes(_hmac(key.digest, _derived(key, *whose), content), "big")
    characters = [_ALPHABET[number >> (256 - 5 * place) & 31] for place in range(1, LENGTH + 1)]
    return f"p{key.version}_" + "".join(characters)


def _derived(key: MasterKey, kind: str, name: str) -> bytes:
    """RFC 5869 with no salt and an output of one block."""
    extracted = _hmac(key.digest, bytes(32), key.secret)
    info = f"huitong pseudonym\0{kind}\0{name}\0{DATASET}\0{key.version}"
    return _hmac(key.digest, extracted, info.encode() + b"\1")


def _hmac(digest: str, key: bytes, message: bytes) -> bytes:
    """RFC 2104, for keys of at most a block."""
    padded = key.ljust(_BLOCK, b"\0")
    inner = _hash(digest, bytes(byte ^ 0x36 for byte in padded) + message)
    return _hash(digest, bytes(byte ^ 0x5C for byte in padded) + inner)


def _hash(digest: str, content: bytes) -> bytes:
    hashed = hashes.Hash(DIGESTS[digest]())
    hashed.update(content)
    return hashed.finalize()
