"""The stored Merkle tree: its nodes by address, and the proofs that they make up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, and_, or_, select

from hub.ledger import tables
from hub.ledger.digest import Digest
from hub.ledger.errors import LedgerCorrupt
from hub.ledger.merkle import Address, Range, consistency_ranges, inclusion_ranges, peak_addresses, resolve


def nodes_at(connection: Connection, addresses: Iterable[Address]) -> dict[Address, bytes]:
    """The hashes of complete subtrees, read in at most two statements.

    Raises:
        LedgerCorrupt: one of them is missing.
    """
    wanted = set(addresses)
    found: dict[Address, bytes] = {}
    leaves = [index for level, index in wanted if level == 0]
    if leaves:
        rows = connection.execute(select(tables.entry.c.seq, tables.entry.c.leaf).where(tables.entry.c.seq.in_(leaves)))
        found |= {(0, row.seq): row.leaf for row in rows}
    # Leaves of entries that were archived and removed stand with the nodes.
    if inner := wanted - found.keys():
        node = tables.node.c
        # Level by level: SQLite reads the whole table where pairs are looked for.
        by_level = {level: [index for at, index in inner if at == level] for level, _ in inner}
        places = or_(*(and_(node.level == level, node.idx.in_(indexes)) for level, indexes in sorted(by_level.items())))
        found |= {(row.level, row.idx): row.hash for row in connection.execute(select(node.level, node.idx, node.hash).where(places))}
    if missing := wanted - found.keys():
        level, index = min(missing)
        raise LedgerCorrupt(f"the tree has no node over the entries from {index << level} on (level {level}); run `huitong ledger verify`")
    return found


def peaks(connection: Connection, size: int) -> list[bytes]:
    """The peaks of the tree of this size."""
    addresses = peak_addresses(0, size)
    found = nodes_at(connection, addresses)
    return [found[address] for address in addresses]


def inclusion_path(connection: Connection, index: int, size: int, digest: Digest) -> tuple[bytes, ...]:
    """The inclusion proof of a leaf in the integrated tree of this size: O(log size) nodes read."""
    return _roots(connection, inclusion_ranges(index, size), digest)


def consistency_path(connection: Connection, old: int, new: int, digest: Digest) -> tuple[bytes, ...]:
    """The consistency proof between two integrated sizes: O(log size) nodes read."""
    return _roots(connection, consistency_ranges(old, new), digest)


def _roots(connection: Connection, ranges: Sequence[Range], digest: Digest) -> tuple[bytes, ...]:
    return resolve(ranges, nodes_at(connection, [address for span in ranges for address in peak_addresses(*span)]), digest)
