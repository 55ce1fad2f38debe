"""Records of the index of subjects: 16 bytes of a subject's hash, 8 bytes of an entry's number, big endian; one behind the other, in any number."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Collection, Iterator
from struct import Struct

HASH, WIDTH = 16, 24
"""Bytes of a hash and of a record."""
_RECORD, _SEQ = Struct(f"{WIDTH}s"), Struct(f">{HASH}xQ")
_LISTED = 35
"""Characters that a hash takes in an entry's list: 32 hexadecimal digits, two quotation marks and a comma."""


def records_of(subjects: Collection[bytes], seq: int) -> bytes:
    """The records of an entry that names these subjects; what is no hash of this width nobody asks for."""
    behind = seq.to_bytes(WIDTH - HASH, "big")
    return b"".join(each + behind for each in subjects if len(each) == HASH)


def listed(named: bytes, seq: int) -> bytes:
    """The records of an entry whose canonical bytes list these subjects: hexadecimal, in quotation marks, commas between them.

    Raises:
        ValueError: they are not hexadecimal.
    """
    count, behind = (len(named) + 1) // _LISTED, b"%016x" % seq
    if named[_LISTED - 1 :: _LISTED] == b"," * (count - 1):
        # A list is changed into its records' digits as a whole: each subject by itself costs four times as much.
        made = unhexlify(named[1:-1].replace(b'","', behind) + behind)
        if len(made) == count * WIDTH and len(named) == count * _LISTED - 1:
            return made
    return records_of([unhexlify(each[1:-1]) for each in named.split(b",")], seq)


def by_bucket(records: bytes) -> dict[int, bytes]:
    """The records of each first byte, in their order."""
    held: list[list[bytes]] = [[] for _ in range(256)]
    add = [each.append for each in held]
    for (record,) in _RECORD.iter_unpack(records):
        add[record[0]](record)
    return {bucket: b"".join(each) for bucket, each in enumerate(held) if each}


def first_in(records: bytes) -> int:
    """The entry's number in the first record."""
    return int.from_bytes(records[HASH:WIDTH], "big")


def seqs_in(records: bytes) -> list[int]:
    """The entries' numbers, in the order of the records."""
    return [seq for (seq,) in _SEQ.iter_unpack(records)]


def seqs_naming(records: bytes | bytearray, subject: bytes) -> Iterator[int]:
    """Numbers of the entries that name a subject."""
    at = records.find(subject)
    while at >= 0:
        whole = at % WIDTH == 0
        if whole:
            yield int.from_bytes(records[at + HASH : at + WIDTH], "big")
        # The same bytes may stand across the border of two records; the next true ones may overlap them.
        at = records.find(subject, at + (WIDTH if whole else 1))


def without(records: bytes, seqs: Collection[int]) -> bytes:
    """The records of other entries than these."""
    return b"".join(record for (record,), seq in zip(_RECORD.iter_unpack(records), seqs_in(records), strict=True) if seq not in seqs)
