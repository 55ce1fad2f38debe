"""Roots and proofs: the hub's, the verifier's, the RFC's definitions and an implementation by others agree; forged ones hold nowhere (H5)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.ledger import digest as hub_digest
from hub.ledger import merkle
from tests.verifier import reference
from verifier.faults import Refuted
from verifier.tree import Digest, Growing, climb, digest_of, extends

SHA = Digest("sha256")
LEAVES = [reference.leaf(b"%d" % number) for number in range(200)]
ROOTS = [reference.root(LEAVES[:size]) for size in range(len(LEAVES) + 1)]


def sm3(data: bytes) -> bytes:
    made = hashes.Hash(hashes.SM3())
    made.update(data)
    return made.finalize()


def included(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """What both implementations say, which is the same."""
    try:
        ours = climb(SHA, index, size, leaf, path) == root
    except Refuted:
        ours = False
    assert merkle.verify_inclusion(index, size, leaf, path, root) is ours
    return ours


def consistent(old: int, new: int, roots: tuple[bytes, bytes], path: Sequence[bytes]) -> bool:
    """What both implementations say, which is the same."""
    ours = extends(SHA, old, new, roots, path)
    assert merkle.verify_consistency(old, new, *roots, path) is ours
    return ours


@pytest.mark.slow
def test_the_published_vectors_of_rfc_6962() -> None:
    leaves = [SHA.leaf(one) for one in reference.INPUTS]
    roots = [bytes.fromhex(one) for one in reference.ROOTS]
    tree = Growing(SHA)
    assert tree.root == roots[0]
    for leaf, root in zip(leaves, roots[1:], strict=True):
        tree.add(leaf)
        assert tree.root == root
    for (index, size), shown in reference.INCLUSION.items():
        path = [bytes.fromhex(one) for one in shown]
        assert reference.path(index, leaves[:size]) == path
        assert included(index, size, leaves[index], path, roots[size])
    for (old, new), shown in reference.CONSISTENCY.items():
        path = [bytes.fromhex(one) for one in shown]
        assert reference.proof(old, leaves[:new]) == path
        assert consistent(old, new, (roots[old], roots[new]), path)


@pytest.mark.slow
def test_growing_trees_have_the_roots_of_the_definition() -> None:
    tree, hub = Growing(SHA), list[bytes]()
    for size, leaf in enumerate(LEAVES):
        assert tree.root == ROOTS[size] == merkle.fold(hub)
        list(merkle.grow(hub, size, [leaf]))
        tree.add(leaf)
        assert tree.peaks == hub


@pytest.mark.slow
def test_every_proof_of_small_trees_holds_and_no_other_place_does() -> None:
    for size in range(1, 34):
        for index in range(size):
            path = reference.path(index, LEAVES[:size])
            assert included(index, size, LEAVES[index], path, ROOTS[size])
            assert not any(included(other, size, LEAVES[index], path, ROOTS[size]) for other in range(-1, size + 2) if other != index)
            assert not included(index, size, LEAVES[index], path, ROOTS[size - 1])
        for old in range(1, size + 1):
            proof = reference.proof(old, LEAVES[:size])
            assert consistent(old, size, (ROOTS[old], ROOTS[size]), proof)
            assert not any(consistent(other, size, (ROOTS[other], ROOTS[size]), proof) for other in range(size) if other != old)
            assert not consistent(old, size, (ROOTS[old], ROOTS[size - 1]), proof)


@pytest.mark.slow
def test_logs_of_sm3_hash_with_sm3() -> None:
    names = ("a/sm3", "/sm3", "sm3", "a/sm3/b", "a/SM3", "a/xsm3", "a.sm3", "a/sm3/")
    assert [digest_of(log).name for log in names] == [hub_digest.digest_of(log).name.lower() for log in names] == ["sm3"] * 2 + ["sha256"] * 6
    leaves = [reference.leaf(b"%d" % number, sm3) for number in range(20)]
    tree = Growing(Digest("sm3"))
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root == reference.root(leaves, sm3)
    assert climb(Digest("sm3"), 7, 20, leaves[7], reference.path(7, leaves, sm3)) == tree.root
    assert extends(Digest("sm3"), 7, 20, (reference.root(leaves[:7], sm3), tree.root), reference.proof(7, leaves, sm3))
    assert hub_digest.digest_of("a/sm3").leaf(b"x") == Digest("sm3").leaf(b"x") != SHA.leaf(b"x")


HASH = st.binary(min_size=32, max_size=32)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(data=st.data(), size=st.integers(1, len(LEAVES)))
def test_h5_forged_inclusion_proofs(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, root, path = LEAVES[index], ROOTS[size], reference.path(index, LEAVES[:size])
    assert included(index, size, leaf, path, root)
    other = data.draw(st.integers(0, 2 * len(LEAVES)).filter(lambda one: one != index))
    assert not included(other, size, leaf, path, root)
    assert not included(index, size, data.draw(HASH), path, root)
    at = data.draw(st.integers(0, len(path)))
    assert not included(index, size, leaf, [*path[:at], data.draw(HASH), *path[at:]], root)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not included(index, size, leaf, path[:at] + path[at + 1 :], root)
        assert not included(index, size, leaf, [*path[:at], data.draw(HASH), *path[at + 1 :]], root)
        if len(path) > 1 and at:
            assert not included(index, size, leaf, [*path[: at - 1], path[at], path[at - 1], *path[at + 1 :]], root)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(data=st.data(), size=st.integers(2, len(LEAVES)))
def test_h5_a_node_is_no_leaf(data: st.DataObject, size: int) -> None:
    """Neither an inner node nor its preimage, offered as an entry with the rest of the path, stands at any place of the tree."""
    index = data.draw(st.integers(0, size - 1))
    path = reference.path(index, LEAVES[:size])
    steps = data.draw(st.integers(1, len(path)))
    below = _climbed(index, size, path[: steps - 1])
    preimages = (below + path[steps - 1], path[steps - 1] + below)
    for preimage in preimages:
        for place in range(size):
            assert not included(place, size, reference.leaf(preimage), path[steps:], ROOTS[size])
            assert not included(place, size, reference.sha(b"\x01" + preimage), path[steps:], ROOTS[size])


def _climbed(index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The node so many steps above a leaf, from the definition."""
    start, end = 0, size
    spans = [(start, end)]
    while end - start > 1:
        middle = start + reference.split(end - start)
        start, end = (start, middle) if index < middle else (middle, end)
        spans.append((start, end))
    first, past = spans[len(spans) - 1 - len(path)]
    return reference.root(LEAVES[first:past])


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(data=st.data(), new=st.integers(2, len(LEAVES)))
def test_h5_forged_consistency_proofs(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new - 1))
    roots, proof = (ROOTS[old], ROOTS[new]), reference.proof(old, LEAVES[:new])
    assert consistent(old, new, roots, proof)
    at = data.draw(st.integers(0, len(proof) - 1))
    strange = data.draw(HASH)
    for forged in (
        [*proof[:at], strange, *proof[at:]],
        [*proof, strange],
        [*proof[:at], strange, *proof[at + 1 :]],
        proof[:at] + proof[at + 1 :],
        [*proof[:at], proof[at], *proof[at:]],
    ):
        assert not consistent(old, new, roots, forged)
    if len(proof) > 1:
        assert not consistent(old, new, roots, proof[::-1])
    assert not consistent(old, new, (strange, roots[1]), proof)
    assert not consistent(old, new, (roots[0], strange), proof)
    assert not consistent(old, new, roots[::-1], proof)
    forked = [*LEAVES[: old - 1], strange, *LEAVES[old:new]]
    assert not consistent(old, new, (roots[0], reference.root(forked)), reference.proof(old, forked))


ORACLE = Path(sys.prefix) / "oracle"
_ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pymerkle import InmemoryTree, InclusionProof, verify_inclusion, verify_consistency
asked = json.load(sys.stdin)
tree = InmemoryTree(algorithm="sha256")
tree.append_entries([entry.encode() for entry in asked["entries"]])
size = len(asked["entries"])
for number, root in enumerate(asked["roots"], 1):
    verify_consistency(bytes.fromhex(root), tree.get_root(), tree.prove_consistency(number), algorithm="sha256")
json.dump({
    "roots": [tree.get_root(number).hex() for number in range(1, size + 1)],
    "leaves": [tree.get_leaf(number).hex() for number in range(1, size + 1)],
    "paths": [[index, of, [step.hex() for step in tree.prove_inclusion(index + 1, of).path]] for index, of in asked["places"]],
}, sys.stdout)
"""


@pytest.mark.slow
def test_an_implementation_by_others_agrees() -> None:
    """pymerkle, in a process of its own: all roots up to 400 leaves, all paths up to 40 and at edges beyond; its consistency proofs accept our roots."""
    size = 400
    entries = [f"entry {number}" for number in range(size)]
    leaves = [SHA.leaf(entry.encode()) for entry in entries]
    tree, roots = Growing(SHA), []
    for leaf in leaves:
        tree.add(leaf)
        roots.append(tree.root)
    places = [(index, of) for of in range(1, 41) for index in range(of)]
    places += [(index, of) for of in (127, 128, 129, 255, 256, 257, 399, 400) for index in (0, 1, of // 2, of - 2, of - 1)]
    asked = json.dumps({"entries": entries, "roots": [root.hex() for root in roots], "places": places})
    done = subprocess.run([sys.executable, "-I", "-c", _ASK, str(ORACLE)], input=asked, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["roots"] == [root.hex() for root in roots]
    assert said["leaves"] == [leaf.hex() for leaf in leaves]
    assert len(said["paths"]) == len(places)
    for index, of, path in said["paths"]:
        base, *steps = map(bytes.fromhex, path)
        assert base == leaves[index]
        assert included(index, of, base, steps, roots[of - 1])
