"""The Merkle tree of RFC 9162 §2.1: roots, proofs and their verification, over leaf hashes, with the hash function of the log.

A tree of any size is a row of complete subtrees (``peaks``), one per set bit of its size, widest first. A complete subtree never
changes again; ``(level, index)`` names the one over the leaves ``index << level`` to ``(index + 1) << level``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hub.ledger.digest import SHA256, Digest

Address = tuple[int, int]
"""(level, index) of a complete subtree; level 0 is the leaves."""
Range = tuple[int, int]
"""Leaves from the first (inclusive) to the second (exclusive)."""


def leaf_hash(data: bytes, digest: Digest = SHA256) -> bytes:
    """The hash of a leaf: ``H(0x00 || data)``."""
    return digest.leaf(data)


def fold(peaks: Sequence[bytes], digest: Digest = SHA256) -> bytes:
    """The root over the peaks, widest first; the empty tree's root where there are none."""
    if not peaks:
        return digest.empty
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = digest.node(peak, root)
    return root


def grow(peaks: list[bytes], size: int, leaves: Iterable[bytes], digest: Digest = SHA256) -> Iterator[tuple[int, int, bytes]]:
    """Append leaf hashes to the tree of ``size`` leaves whose ``peaks`` these are, which become those of the new tree.

    Yields the inner nodes that became complete, as (level ≥ 1, index, hash).
    """
    for index, hashed in enumerate(leaves, size):
        level, rest, node = 0, index, hashed
        while rest & 1:
            level, rest, node = level + 1, rest >> 1, digest.node(peaks.pop(), node)
            yield level, rest, node
        peaks.append(node)


def levels(leaves: Sequence[bytes], digest: Digest = SHA256) -> list[list[bytes]]:
    """Every level of a small tree, leaves first, the root last; an odd last node moves up unchanged.

    Raises:
        ValueError: there are no leaves.
    """
    if not leaves:
        raise ValueError("a tree of no leaves has no levels")
    node, rows = digest.node, [list(leaves)]
    while len(rows[-1]) > 1:
        below = rows[-1]
        row = [node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        rows.append(row + below[len(below) & ~1 :])
    return rows


def path_in(rows: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    """The inclusion path of one leaf in a tree given by its ``levels``."""
    path = []
    for row in rows[:-1]:
        if (index ^ 1) < len(row):
            path.append(row[index ^ 1])
        index >>= 1
    return tuple(path)


def paths_in(rows: Sequence[Sequence[bytes]]) -> list[tuple[bytes, ...]]:
    """The inclusion paths of all leaves in a tree given by its ``levels``; leaves of one subtree share what lies above it."""
    paths: list[tuple[bytes, ...]] = [()]
    for row in reversed(rows[:-1]):
        count = len(row)
        paths = [(row[i ^ 1], *paths[i >> 1]) if (i ^ 1) < count else paths[i >> 1] for i in range(count)]
    return paths


def peak_addresses(start: int, end: int) -> list[Address]:
    """The complete subtrees that make up a range of leaves of the tree, widest first; ``start`` is where a subtree of a tree may start."""
    addresses = []
    while start < end:
        level = (end - start).bit_length() - 1
        addresses.append((level, start >> level))
        start += 1 << level
    return addresses


def _split(count: int) -> int:
    """The largest power of two smaller than ``count`` (RFC 9162 §2.1.1)."""
    return 1 << ((count - 1).bit_length() - 1)


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose roots are the inclusion proof of a leaf, sibling first (RFC 9162 §2.1.3.1).

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    ranges: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The ranges whose roots are the consistency proof between two sizes of one tree (RFC 9162 §2.1.4.1).

    Raises:
        ValueError: not ``0 < old <= new``.
    """
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof leads from {old} to {new} leaves")
    ranges: list[Range] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    return ranges[::-1] if whole else [(start, end), *ranges[::-1]]


def resolve(ranges: Sequence[Range], nodes: Mapping[Address, bytes], digest: Digest = SHA256) -> tuple[bytes, ...]:
    """The roots of the ranges, from the complete subtrees that ``peak_addresses`` names for them."""
    return tuple(fold([nodes[address] for address in peak_addresses(*span)], digest) for span in ranges)


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes, digest: Digest = SHA256) -> bool:
    """Whether the path proves the leaf at ``index`` of the tree with this size and root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = digest.node(step, node)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            node = digest.node(node, step)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes], digest: Digest = SHA256) -> bool:
    """Whether the path proves that the first ``old`` of ``new`` leaves are the old tree (RFC 9162 §2.1.4.2); a tree of no leaves proves nothing."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_node = new_node = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_node, new_node = digest.node(step, old_node), digest.node(step, new_node)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new_node = digest.node(new_node, step)
        position, last = position >> 1, last >> 1
    return last == 0 and old_node == old_root and new_node == new_root
