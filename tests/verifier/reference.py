"""Merkle trees as RFC 9162 §2.1 defines them, transcribed without any thought of speed, and published vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

Hash = Callable[[bytes], bytes]
INPUTS = [bytes.fromhex(one) for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
"""The eight leaves of the test vectors of Certificate Transparency's reference implementation of RFC 6962."""
_A, _B, _C = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)
_D, _E, _F = (
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
)
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    _F,
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Of the first n inputs."""
INCLUSION = {(0, 1): [], (0, 8): [_A, _B, _C], (5, 8): [_D, _E, _F], (2, 3): [ROOTS[2]], (1, 5): [ROOTS[1], _B, _D]}
"""Published paths by (index, size)."""
CONSISTENCY = {(1, 1): [], (1, 8): [_A, _B, _C], (6, 8): ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", _E, _F], (2, 5): [_B, _D]}
"""Published proofs by (old, new)."""


def sha(data: bytes) -> bytes:
    """SHA-256."""
    return sha256(data).digest()


def leaf(data: bytes, hashed: Hash = sha) -> bytes:
    """``MTH({d})`` (§2.1.1)."""
    return hashed(b"\x00" + data)


def root(leaves: Sequence[bytes], hashed: Hash = sha) -> bytes:
    """``MTH(D_n)`` over leaf hashes (§2.1.1)."""
    if not leaves:
        return hashed(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashed(b"\x01" + root(leaves[:k], hashed) + root(leaves[k:], hashed))


def path(m: int, leaves: Sequence[bytes], hashed: Hash = sha) -> list[bytes]:
    """``PATH(m, D_n)`` (§2.1.3.1)."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k], hashed), root(leaves[k:], hashed)]
    return [*path(m - k, leaves[k:], hashed), root(leaves[:k], hashed)]


def proof(m: int, leaves: Sequence[bytes], hashed: Hash = sha) -> list[bytes]:
    """``PROOF(m, D_n)`` (§2.1.4.1)."""
    return _subproof(m, leaves, True, hashed)


def _subproof(m: int, leaves: Sequence[bytes], whole: bool, hashed: Hash) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [root(leaves, hashed)]
    k = split(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], whole, hashed), root(leaves[k:], hashed)]
    return [*_subproof(m - k, leaves[k:], False, hashed), root(leaves[:k], hashed)]


def split(n: int) -> int:
    """``k``, the largest power of two smaller than n."""
    return max(1 << power for power in range(n.bit_length()) if 1 << power < n)
