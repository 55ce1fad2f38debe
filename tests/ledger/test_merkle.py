"""The Merkle tree against a naive one written from RFC 9162's recursive definitions, against known roots, and against forgers."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.ledger import merkle
from hub.ledger.digest import SHA256

pytestmark = pytest.mark.fast

# The test vectors of Certificate Transparency's reference implementation for RFC 6962: inputs, and the root over the first n of them.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(70)]


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = max(2**power for power in range(20) if 2**power < len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = max(2**power for power in range(20) if 2**power < len(leaves))
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(old: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = max(2**power for power in range(20) if 2**power < len(leaves))
    if old <= k:
        return [*naive_subproof(old, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(old - k, leaves[k:], False), naive_root(leaves[:k])]


def stored(leaves: list[bytes]) -> tuple[dict[tuple[int, int], bytes], list[bytes]]:
    """Nodes and peaks as incremental growth leaves them."""
    peaks: list[bytes] = []
    nodes = {(0, index): leaf for index, leaf in enumerate(leaves)}
    nodes |= {(level, index): made for level, index, made in merkle.grow(peaks, 0, leaves)}
    return nodes, peaks


NODES, _ = stored(LEAVES)


def path(index: int, size: int) -> tuple[bytes, ...]:
    return merkle.resolve(merkle.inclusion_ranges(index, size), NODES)


@pytest.mark.parametrize("size", range(9))
def test_known_roots(size: int) -> None:
    peaks: list[bytes] = []
    list(merkle.grow(peaks, 0, [merkle.leaf_hash(bytes.fromhex(text)) for text in INPUTS[:size]]))
    assert merkle.fold(peaks).hex() == ROOTS[size]


def test_equals_the_naive_tree_at_every_size() -> None:
    peaks: list[bytes] = []
    for size in range(1, 71):
        list(merkle.grow(peaks, size - 1, [LEAVES[size - 1]]))
        root = naive_root(LEAVES[:size])
        assert merkle.fold(peaks) == root
        rows = merkle.levels(LEAVES[:size])
        assert rows[-1] == [root]
        for index in range(size):
            expected = naive_path(index, LEAVES[:size])
            assert list(path(index, size)) == list(merkle.path_in(rows, index)) == expected
            assert merkle.verify_inclusion(index, size, LEAVES[index], expected, root)


def test_every_consistency_proof_equals_the_naive_one_and_holds() -> None:
    roots = [naive_root(LEAVES[:size]) for size in range(71)]
    for new in range(1, 71):
        for old in range(1, new + 1):
            proof = merkle.resolve(merkle.consistency_ranges(old, new), NODES)
            assert list(proof) == naive_subproof(old, LEAVES[:new], True)
            assert merkle.verify_consistency(old, new, roots[old], roots[new], proof)
            if old < new:
                assert not merkle.verify_consistency(old, new, roots[old - 1], roots[new], proof)
                assert not merkle.verify_consistency(old, new, roots[old], roots[new - 1], proof)
                assert not merkle.verify_consistency(old, new, roots[old], roots[new], [*proof, proof[0]])
                assert not merkle.verify_consistency(old, new, roots[old], roots[new], proof[:-1])


def test_a_tree_stores_fewer_inner_nodes_than_leaves_and_a_proof_reads_few() -> None:
    assert len(NODES) < 2 * len(LEAVES)
    addresses = [address for span in merkle.inclusion_ranges(123_456, 1_000_003) for address in merkle.peak_addresses(*span)]
    assert len(addresses) <= 2 * 20


def test_sizes_that_no_tree_has_are_refused() -> None:
    with pytest.raises(ValueError, match="no leaf 5"):
        merkle.inclusion_ranges(5, 5)
    with pytest.raises(ValueError, match="no consistency proof"):
        merkle.consistency_ranges(0, 5)
    with pytest.raises(ValueError, match="no leaves"):
        merkle.levels([])
    assert not merkle.verify_consistency(0, 5, SHA256.empty, naive_root(LEAVES[:5]), [])
    assert not merkle.verify_inclusion(-1, 5, LEAVES[4], path(4, 5), naive_root(LEAVES[:5]))


@settings(max_examples=300, deadline=None)
@given(data=st.data(), size=st.integers(1, 70))
def test_no_forged_inclusion_proof_holds(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, proof = naive_root(LEAVES[:size]), list(path(index, size))
    other = data.draw(st.integers(0, 80))
    if other != index:
        assert not merkle.verify_inclusion(other, size, LEAVES[index], proof, root)
    assert not merkle.verify_inclusion(index, size, merkle.leaf_hash(b"forged"), proof, root)
    assert not merkle.verify_inclusion(index, size, LEAVES[index], [*proof, data.draw(st.binary(min_size=32, max_size=32))], root)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        flipped = bytes([proof[place][0] ^ (1 << data.draw(st.integers(0, 7)))]) + proof[place][1:]
        assert not merkle.verify_inclusion(index, size, LEAVES[index], [*proof[:place], flipped, *proof[place + 1 :]], root)
        assert not merkle.verify_inclusion(index, size, LEAVES[index], proof[:place] + proof[place + 1 :], root)
        # An inner node offered as a leaf: domain separation keeps its preimage from being one.
        left, right = (LEAVES[index], proof[0]) if index % 2 == 0 else (proof[0], LEAVES[index])
        assert not merkle.verify_inclusion(index >> 1, (size + 1) >> 1, merkle.leaf_hash(left + right), proof[1:], root)
