"""Merkle trees (RFC 9162 §2.1), written from the RFC's recursive definitions; SHA-256, or SM3 where the log's name says so."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes

from verifier.faults import Refuted


@dataclass(frozen=True, slots=True)
class Digest:
    """The hash of one log's leaves and nodes: ``sha256`` or ``sm3``."""

    name: str

    def of(self, data: bytes) -> bytes:
        """The hash of these bytes."""
        if self.name == "sha256":
            return hashlib.sha256(data).digest()
        made = hashes.Hash(hashes.SM3())
        made.update(data)
        return made.finalize()

    def leaf(self, data: bytes) -> bytes:
        """The hash of a leaf."""
        return self.of(b"\x00" + data)

    def node(self, left: bytes, right: bytes) -> bytes:
        """The hash of an inner node."""
        return self.of(b"\x01" + left + right)


def digest_of(log: str) -> Digest:
    """The hash that a log's name tells: SM3 where it ends in ``/sm3``."""
    return Digest("sm3" if log.endswith("/sm3") else "sha256")


def climb(digest: Digest, index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root to which an inclusion path leads (RFC 9162 §2.1.3.1).

    Raises:
        Refuted: there is no such leaf in a tree of this size, or the path has not the length of its proof.
    """
    if not 0 <= index < size:
        raise Refuted(f"{size} 个叶子的树没有第 {index} 个叶子", f"a tree of {size} leaves has no leaf {index}")
    turns: list[bool] = []
    while size > 1:
        left = _split(size)
        turns.append(index >= left)
        index, size = (index - left, size - left) if index >= left else (index, left)
    if len(path) != len(turns):
        raise Refuted(f"路径应有 {len(turns)} 步，实有 {len(path)} 步", f"the path has {len(path)} steps where its proof has {len(turns)}")
    node = leaf
    for step, right in zip(path, reversed(turns), strict=True):
        node = digest.node(step, node) if right else digest.node(node, step)
    return node


def extends(digest: Digest, old: int, new: int, roots: tuple[bytes, bytes], path: Sequence[bytes]) -> bool:
    """Whether the path proves that the tree of ``new`` leaves extends that of ``old``; ``roots`` are theirs (RFC 9162 §2.1.4.1)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and roots[0] == roots[1]
    left = list(path)
    try:
        made = _subproof(digest, old, new, roots[0], left)
    except IndexError:
        return False
    return not left and made == roots


def _subproof(digest: Digest, old: int, new: int, root: bytes | None, left: list[bytes]) -> tuple[bytes, bytes]:
    """Both roots of a subtree from the end of the path, which is taken from; ``root`` is the old one where the path leaves it out."""
    if old == new:
        known = left.pop() if root is None else root
        return known, known
    split, beside = _split(new), left.pop()
    if old <= split:
        before, after = _subproof(digest, old, split, root, left)
        return before, digest.node(after, beside)
    before, after = _subproof(digest, old - split, new - split, None, left)
    return digest.node(beside, before), digest.node(beside, after)


def _split(count: int) -> int:
    """The largest power of two smaller than ``count``, which is at least 2."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


@dataclass(slots=True)
class Growing:
    """A tree that grows leaf by leaf and keeps its peaks alone: the roots of its complete subtrees, widest first."""

    digest: Digest
    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.peaks) != self.size.bit_count():
            raise Refuted(f"{self.size} 个条目的树应有 {self.size.bit_count()} 个峰", f"a tree of {self.size} entries has {self.size.bit_count()} peaks")

    def add(self, leaf: bytes) -> None:
        """One leaf more."""
        node, joined = leaf, self.size
        while joined % 2:
            node, joined = self.digest.node(self.peaks.pop(), node), joined // 2
        self.peaks.append(node)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self.peaks:
            return self.digest.of(b"")
        node = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            node = self.digest.node(peak, node)
        return node
