"""What followers read off an entry's bytes without parsing them, and subjects' hashes: as parsing, and as RFC 4493 and RFC 2104 have it."""

from __future__ import annotations

import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.canonical import NO_PREDECESSOR, record, seal
from hub.ledger.entry import EntryDraft
from hub.ledger.merkle import levels, path_in, paths_in
from hub.ledger.parsing import named_in, stands_at
from hub.ledger.subjects import Subjects
from tests.ledger.build import LOG, make_draft
from tests.ledger.test_forms import CHAIN, DRAFTS

pytestmark = pytest.mark.slow

FORGED = (
    '","seq":8,"sources":[',
    f'","chain":"{"0" * 64}","code":',
    f',"chain":"{CHAIN}","code":null,',
    '"subjects":["' + "f" * 32 + '"]',
    '"details":{',
    ',"v":2}',
)


def named(canonical: bytes) -> set[str]:
    return {each for access in json.loads(canonical)["accesses"] for each in access["subjects"]}


@given(DRAFTS, st.integers(0, 2**53 - 1), st.sampled_from(FORGED))
def test_subjects_and_place_are_read_as_parsing_reads_them(draft: EntryDraft, seq: int, forged: str) -> None:
    for said in (draft, replace(draft, operator=forged, case=forged, scenario=forged, basis=forged)):
        canonical = seal(record(said, LOG), seq, CHAIN)
        found = named_in(canonical)
        if found is not None:
            assert {each.strip('"') for listed in found for each in listed.decode().split(",")} == named(canonical)
        bare = said.details is None and not any(access.subject_set for access in said.accesses)
        assert (found is not None) == bare
        assert stands_at(canonical, seq, CHAIN) == (said.details is None)
        assert not stands_at(canonical, seq + 1, CHAIN)
        assert not stands_at(canonical, seq // 10, CHAIN) or seq == 0
        assert not stands_at(canonical, seq, NO_PREDECESSOR)


def test_an_older_version_and_garbage_stand_nowhere() -> None:
    old = seal(record(make_draft(version=1), LOG), 7, CHAIN)
    assert not stands_at(old, 7, CHAIN)
    assert not stands_at(b"", 7, CHAIN)
    assert not stands_at(seal(record(make_draft(), LOG), 7, CHAIN)[:-1], 7, CHAIN)


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)


@given(st.binary(min_size=32, max_size=100), st.sampled_from(["id_number", "a.b#", "电话"]), st.lists(_TEXTS, max_size=40))
def test_a_subjects_hash_is_aes_cmac_under_a_key_of_its_kind(key: bytes, kind: str, values: list[str]) -> None:
    subjects = Subjects(key)
    aes = AES(hmac.digest(key, f"huitong: sets of subjects, AES-256-CMAC\x00{kind}".encode(), "sha256"))
    expected = []
    for value in values:
        mac = CMAC(aes)
        mac.update(value.encode())
        expected.append(mac.finalize())
    for _ in range(2):
        assert subjects.digests(kind, values) == expected
        assert [bytes.fromhex(subjects.name(kind, value)) for value in values] == expected
    assert subjects.digests(kind, values * 20) == expected * 20
    before = [hmac.new(key, f"{kind}\x00{value}".encode(), hashlib.sha256).hexdigest()[:32] for value in values]
    assert [subjects.every(kind, value) for value in values] == [(mac.hex(), old) for mac, old in zip(expected, before, strict=True)]


def test_threads_that_hash_at_once_get_their_own_hashes() -> None:
    subjects, values = Subjects(bytes(range(32))), [str(10**17 + number) for number in range(500)]
    expected = subjects.digests("id_number", values)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda part: subjects.digests("id_number", values[part::5]), [number % 5 for number in range(400)]))
    assert all(macs == expected[number % 5 :: 5] for number, macs in enumerate(found))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 20, 65])
def test_the_paths_of_a_batch_made_together_are_those_made_one_by_one(count: int) -> None:
    rows = levels([bytes([number]) * 32 for number in range(count)])
    assert paths_in(rows) == [path_in(rows, index) for index in range(count)]
