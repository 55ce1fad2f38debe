"""The hash function of a log, one for ever: SM3 (GB/T 32905-2016) where the log's name ends in ``/sm3``, else SHA-256 (FIPS 180-4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Literal

from cryptography.hazmat.primitives import hashes

DigestName = Literal["SHA256", "SM3"]
SM3_SEGMENT = "sm3"


@dataclass(frozen=True, slots=True)
class Digest:
    """A hash function of 32 bytes as RFC 9162 §2.1 uses it."""

    name: DigestName
    leaf: Callable[[bytes], bytes]
    """``H(0x00 || data)``"""
    node: Callable[[bytes, bytes], bytes]
    """``H(0x01 || left || right)``"""
    empty: bytes
    """The root of the tree of no leaves, ``H()``."""


def _sha256_leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def _sha256_node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


SHA256 = Digest("SHA256", _sha256_leaf, _sha256_node, sha256().digest())


_FRESH = hashes.Hash(hashes.SM3())


def _sm3(data: bytes) -> bytes:
    # The library's own OpenSSL has SM3 everywhere, which that of a distribution need not; a copied state costs two thirds of a new one.
    made = _FRESH.copy()
    made.update(data)
    return made.finalize()


def _sm3_leaf(data: bytes) -> bytes:
    return _sm3(b"\x00" + data)


def _sm3_node(left: bytes, right: bytes) -> bytes:
    return _sm3(b"\x01" + left + right)


SM3 = Digest("SM3", _sm3_leaf, _sm3_node, _sm3(b""))


@lru_cache(maxsize=64)
def digest_of(log: str) -> Digest:
    """The hash function of the log of this name."""
    return SM3 if log.rpartition("/")[1:] == ("/", SM3_SEGMENT) else SHA256


def named(base: str, digest: DigestName) -> str:
    """The name of a log with this hash function."""
    return f"{base}/{SM3_SEGMENT}" if digest == "SM3" else base
