"""Records of the index: made of an entry's own text, and found among bytes that look like them."""

from __future__ import annotations

from random import Random

import pytest

from hub.ledger.canonical import record, seal
from hub.ledger.entry import Access
from hub.ledger.parsing import named_in
from hub.tracing.index import Found
from hub.tracing.records import by_bucket, listed, records_of, seqs_in, seqs_naming, without
from tests.ledger.build import LOG, make_draft
from tests.tracing.stored import pairs

pytestmark = pytest.mark.fast


def crafted(draw: Random, seqs: range) -> list[bytes]:
    """Hashes of which many stand across the borders of others' records: ends of one, a number, the beginning of the next; few different bytes."""
    made = [bytes(16), bytes(15) + b"\1", b"\1" + bytes(15), *(bytes(draw.choices((0, 1, 7), k=16)) for _ in range(4))]
    for _ in range(12):
        across = draw.choice(made) + draw.choice(seqs).to_bytes(8, "big") + draw.choice(made)
        at = draw.randrange(1, 24)
        made.append(across[at : at + 16])
    return made


def test_what_an_entry_lists_becomes_its_records() -> None:
    draw = Random(3)
    for count in (1, 2, 100):
        hashes = sorted({draw.randbytes(16) for _ in range(count)})
        named = b",".join(b'"%s"' % each.hex().encode() for each in hashes)
        assert pairs(listed(named, 2**40 + 5)) == [(each, 2**40 + 5) for each in hashes]
        assert listed(named, 7) == records_of(hashes, 7)


def test_an_entry_of_several_accesses_with_and_without_details() -> None:
    accesses = (Access("a.b", "a", "d", subjects=("ab" * 16, "cd" * 16)), Access("a.c", "a", "d"), Access("a.d", "a", "d", subjects=("ef" * 16,)))
    for details in (None, {"note": '"subjects":["00"]'}):
        canonical = seal(record(make_draft(accesses=accesses, details=details), LOG), 9, "0" * 64)
        assert named_in(canonical) == (None if details else [b'"%s","%s"' % (b"ab" * 16, b"cd" * 16), b'"%s"' % (b"ef" * 16)])
        found = Found()
        found.add(9, canonical)
        assert pairs(bytes(found.subjects)) == [(bytes([byte]) * 16, 9) for byte in (0xAB, 0xCD, 0xEF)]
        assert found.size == 3


@pytest.mark.parametrize("lengths", [(30,), (34,), (32, 30), (31, 33), (32, 34, 30), (0, 64)])
def test_what_is_no_hash_shifts_no_other(lengths: tuple[int, ...]) -> None:
    named = b",".join(b'"%s"' % (b"a" * length) for length in lengths)
    if any(length % 2 for length in lengths):
        with pytest.raises(ValueError, match="Odd"):
            listed(named, 1)
    else:
        assert pairs(listed(named, 1)) == [(b"\xaa" * 16, 1) for length in lengths if length == 32]
    with pytest.raises(ValueError, match=r"[Nn]on-hexadecimal"):
        listed(b'"%s"' % (b"zz" * 16), 1)


@pytest.mark.parametrize("seed", range(8))
def test_records_are_found_wherever_the_same_bytes_stand(seed: int) -> None:
    draw = Random(seed)
    hashes = crafted(draw, range(4))
    held = [(draw.choice(hashes), seq // 3) for seq in range(300)]
    records = b"".join(records_of([each], seq) for each, seq in held)
    across = 0
    for wanted in hashes:
        assert list(seqs_naming(records, wanted)) == [seq for each, seq in held if each == wanted]
        across += sum(records[i : i + 16] == wanted for i in range(len(records)) if i % 24)
    assert across > 100, "the same bytes do stand across borders"
    parts = by_bucket(records)
    assert all(pairs(part) == [(each, seq) for each, seq in held if each[0] == bucket] for bucket, part in parts.items())
    assert sum(map(len, parts.values())) == len(records)
    assert seqs_in(records) == [seq for _, seq in held]
    assert pairs(without(records, {1, 5})) == [(each, seq) for each, seq in held if seq not in (1, 5)]
