"""Entries: their canonical bytes, and what never becomes one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.canonical import MAX_BYTES, NO_PREDECESSOR, encode, record, seal
from hub.ledger.entry import Access, EntryDraft, Item, SourceState
from hub.ledger.errors import EntryRejected
from hub.ledger.parsing import parse, verified
from tests.ledger.build import LOG, make_draft

pytestmark = pytest.mark.fast

HOSTILE = [
    "rent\nseq 17 outcome OK",
    "rent\r\n\r\nHTTP/1.1 200",
    "\x1b[2J\x1b[31mcleared",
    "\u202egnihtyna\u202c",
    "\u2028\u2029\u0085",
    '","outcome":"OK","x":"',
    "\x00\x01\x7f",
    "\ufeff😀",
]


def canonical(draft: EntryDraft) -> bytes:
    return seal(record(draft, LOG), 7, NO_PREDECESSOR)


def test_bytes_are_sorted_compact_json_with_every_key() -> None:
    raw = canonical(make_draft())
    said = json.loads(raw)
    assert raw == json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert json.loads(canonical(EntryDraft(kind="start", call="boot", outcome="OK"))).keys() == said.keys()
    assert (said["v"], said["seq"], said["chain"], said["log"]) == (2, 7, NO_PREDECESSOR, LOG)
    assert said["accesses"][0]["items"][2] == {"code": "phone", "shown": "masked", "mask": "KEEP_FIRST_3_LAST_4@1"}


def test_the_seven_fields_of_log_01_are_there() -> None:
    said = json.loads(canonical(make_draft()))
    assert all(said[name] for name in ("purpose", "operator", "approver", "accesses", "at", "operation", "medium"))


def test_an_entry_is_read_back_as_it_was_written() -> None:
    draft = make_draft(details={"actor": "张三", "extra": [1, True, None]}, trace="t1", document_id="op-1")
    entry = verified(canonical(draft))
    assert (entry.seq, entry.log, entry.chain) == (7, LOG, NO_PREDECESSOR)
    assert entry.content == draft


def test_time_is_written_in_utc_with_microseconds() -> None:
    at = datetime(2026, 11, 22, 8, 0, 0, tzinfo=timezone(timedelta(hours=8)))
    assert json.loads(canonical(make_draft(at=at)))["at"] == "2026-11-22T00:00:00.000000+00:00"
    with pytest.raises(EntryRejected, match="aware"):
        canonical(make_draft(at=at.replace(tzinfo=None)))


@pytest.mark.parametrize("text", HOSTILE)
def test_injected_text_stays_inside_its_field(text: str) -> None:
    raw = canonical(make_draft(operator=text, purpose=text))
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\x1b") == raw.count(b"\x00") == 0
    assert json.loads(raw)["operator"] == text
    assert verified(raw).content.purpose == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=64))
def test_texts_are_written_as_rfc_8785_does(text: str) -> None:
    assert encode(text) == json.dumps(text, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "changed",
    [
        {"rows": 1.0},
        {"rows": -1},
        {"rows": 2**53},
        {"bytes": True},
        {"details": {"score": 0.5}},
        {"details": {"键": 1}},
        {"details": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}},
        {"details": {"a": "x" * 20_000}},
        {"operator": "x" * 257},
        {"operator": "\ud800"},
        {"purpose": b"rent"},
        {"kind": "gossip"},
        {"medium": "PAPER"},
        {"outcome": "MAYBE"},
        {"outcome": ["OK"]},
        {"call": ""},
        {"call": None},
        {"department": "a\nb"},
        {"sources": (SourceState("civil", "OK", -1),)},
    ],
    ids=repr,
)
def test_what_is_no_entry_is_rejected(changed: dict[str, Any]) -> None:
    with pytest.raises(EntryRejected):
        canonical(make_draft(**changed))


@pytest.mark.parametrize(
    "access",
    [
        Access("r", "p", "s", subjects=("520102199001011234",)),
        Access("r", "p", "s", subjects=("A" * 32,)),
        Access("r", "p", "s", items=(Item("name", cast(Any, "naked")),)),
        Access("r", "p", "s", items=(Item("x" * 129, "clear"),)),
        Access("", "p", "s"),
        Access("r\x00", "p", "s"),
        Access("r" * 129, "p", "s"),
    ],
    ids=repr,
)
def test_an_access_with_identifiers_or_unknown_words_is_rejected(access: Access) -> None:
    with pytest.raises(EntryRejected):
        canonical(make_draft(accesses=(access,)))


def test_a_resource_named_twice_and_an_entry_beyond_the_limit_are_rejected() -> None:
    access = Access("r", "p", "s")
    with pytest.raises(EntryRejected, match="once"):
        canonical(make_draft(accesses=(access, access)))
    many = tuple(Access(f"r{number}", "p", "s", subjects=("0" * 32,) * 1000) for number in range(40))
    with pytest.raises(EntryRejected, match=str(MAX_BYTES)):
        canonical(make_draft(accesses=many))


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"\xff", b'{"v":3}', b"null", b'{"v":1,"seq":0}'])
def test_bytes_that_are_no_entry_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="entry"):
        parse(raw)


def test_only_the_canonical_form_is_verified(draft: Callable[..., EntryDraft]) -> None:
    raw = canonical(draft(at=datetime(2026, 1, 1, tzinfo=UTC)))
    spaced = json.dumps(json.loads(raw), sort_keys=True, ensure_ascii=False).encode()
    assert parse(spaced).content == parse(raw).content
    with pytest.raises(ValueError, match="canonical"):
        verified(spaced)


def test_entries_of_version_1_stay_what_they_are() -> None:
    """An older entry is verified in its own form, without the keys that came later."""
    canonical = seal(record(replace(make_draft(), version=1), LOG), 3, NO_PREDECESSOR)
    assert verified(canonical).content.version == 1
    assert not any(key in canonical for key in (b'"asOf"', b'"subjectSet"'))
    with pytest.raises(ValueError, match=r"ledger entry|canonical form"):
        verified(canonical.replace(b'"v":1', b'"v":2'))
