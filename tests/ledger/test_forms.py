"""Forms that are filled in: the same bytes as the reference makes of the same draft, and the same refusals."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.canonical import MAX_INTEGER, record, seal
from hub.ledger.entry import Access, EntryDraft, Item, Kind, Medium, Outcome, Shown, SourceState, SubjectSet
from hub.ledger.errors import EntryRejected
from hub.ledger.forms import Filled, Form, Part
from hub.ledger.parsing import verified
from hub.ledger.pending import Pending
from hub.ledger.receipt import verify_receipt
from hub.ledger.service import LedgerService
from tests.ledger.build import LOG, check, make_draft

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

CHAIN = "0f" * 32
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CODES = st.text(st.characters(categories=["Ll", "Lo", "Nd"], include_characters='%"\\_'), min_size=1, max_size=10)
COUNTS = st.integers(0, MAX_INTEGER)
MOMENTS = st.datetimes(timezones=st.just(UTC))
SETS = st.builds(SubjectSet, COUNTS, st.binary(min_size=32, max_size=32).map(bytes.hex))
SUBJECTS = st.lists(st.binary(min_size=16, max_size=16).map(bytes.hex), max_size=4).map(tuple)
ITEMS = st.builds(Item, TEXTS, st.sampled_from(get_args(Shown)), st.none() | TEXTS)
ACCESSES = st.builds(
    Access,
    CODES,
    CODES,
    TEXTS,
    st.lists(ITEMS, max_size=3).map(tuple),
    COUNTS,
    SUBJECTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | SETS,
)
SOURCES = st.builds(SourceState, TEXTS, TEXTS, COUNTS, st.none() | MOMENTS)
OPTIONAL = st.none() | TEXTS
DRAFTS = st.builds(
    EntryDraft,
    kind=st.sampled_from(get_args(Kind)),
    call=CODES,
    outcome=st.sampled_from(get_args(Outcome)),
    at=MOMENTS,
    operation=st.none() | CODES,
    medium=st.none() | st.sampled_from(get_args(Medium)),
    application=st.none() | CODES,
    department=st.none() | CODES,
    operator=OPTIONAL,
    case=OPTIONAL,
    purpose=OPTIONAL,
    scenario=OPTIONAL,
    basis=OPTIONAL,
    approver=OPTIONAL,
    accesses=st.lists(ACCESSES, max_size=3, unique_by=lambda access: access.resource).map(tuple),
    document=OPTIONAL,
    bytes=COUNTS,
    code=OPTIONAL,
    sources=st.lists(SOURCES, max_size=3).map(tuple),
    details=st.none() | st.dictionaries(st.sampled_from(["actor", "%", "act"]), TEXTS, max_size=2),
    trace=OPTIONAL,
    ms=st.none() | COUNTS,
)


def fill(form: Form, said: EntryDraft, **changed: Any) -> Filled:
    """The form, filled in with what the draft says."""
    parts = [Part(a.resource, a.provider, a.rows, [bytes.fromhex(each) for each in a.subjects], a.subject_set) for a in said.accesses]
    served = [(source.ms, source.as_of) for source in said.sources]
    also = {"size": said.bytes, "operator": said.operator, "case": said.case, "trace": said.trace, "ms": said.ms}
    given: dict[str, Any] = {"call": said.call, "at": said.at, "parts": parts, "served": served, **also, **changed}
    return form.fill(given.pop("call"), given.pop("at"), given.pop("parts"), given.pop("served"), **given)


def like(example: EntryDraft, other: EntryDraft) -> EntryDraft:
    """The example with everything that a form leaves open as the other has it, as far as the other has as much."""
    accesses = tuple(
        replace(a, rows=b.rows, subjects=b.subjects, subject_set=b.subject_set)
        for a, b in zip(example.accesses, (*other.accesses, *example.accesses), strict=False)
    )
    sources = tuple(replace(a, ms=b.ms, as_of=b.as_of) for a, b in zip(example.sources, (*other.sources, *example.sources), strict=False))
    rows = sum(access.rows for access in accesses)
    return replace(
        example,
        call=other.call,
        at=other.at,
        operator=other.operator,
        case=other.case,
        trace=other.trace,
        ms=other.ms,
        bytes=other.bytes,
        accesses=accesses,
        sources=sources,
        rows=rows,
    )


@given(DRAFTS, DRAFTS, st.integers(0, MAX_INTEGER))
def test_a_form_makes_the_bytes_of_the_reference(example: EntryDraft, other: EntryDraft, seq: int) -> None:
    said = like(example, other)
    if said.rows > MAX_INTEGER:
        with pytest.raises(EntryRejected):
            fill(Form(example, LOG), said)
        return
    reference = Pending(said, record(said, LOG))
    made = fill(Form(example, LOG), said)
    assert made.sealed(seq, CHAIN) == reference.sealed(seq, CHAIN) == seal(record(said, LOG), seq, CHAIN)
    assert made.sealed(seq, CHAIN) == reference.sealed(seq, CHAIN)
    assert (made.repeated, list(made.places), made.call) == (reference.repeated, reference.places, reference.call)
    assert (made.releases, made.is_act) == (reference.releases, reference.is_act)
    assert (made.told.kind, made.told.operation, made.told.outcome) == (said.kind, said.operation, said.outcome)
    assert [(each.provider, each.resource, each.rows) for each in made.told.accesses] == [(a.provider, a.resource, a.rows) for a in said.accesses]


@pytest.mark.parametrize(
    "changed",
    [
        {"call": ""},
        {"call": "a\nb"},
        {"call": "c" * 65},
        {"at": datetime(2026, 11, 22)},  # noqa: DTZ001 - a moment without its offset is what is refused
        {"size": -1},
        {"size": 1.0},
        {"size": True},
        {"ms": MAX_INTEGER + 1},
        {"operator": "o" * 257},
        {"operator": "\ud800"},
        {"case": 7},
        {"trace": "t" * 65},
        {"parts": []},
        {"parts": [Part("civil_affairs.person", "housing", 1)]},
        {"parts": [Part("civil_affairs.person", "civil_affairs", -1)]},
        {"parts": [Part("civil_affairs.person", "civil_affairs", 1, [b"510102199001011234"])]},
        {"parts": [Part("civil_affairs.person", "civil_affairs", 1, (), SubjectSet(1, "no digest"))]},
        {"parts": [Part("civil_affairs.person", "civil_affairs", 1, [bytes(16)] * 40_000)]},
        {"served": []},
        {"served": [(1, None), (1, None)]},
        {"served": [(-1, None)]},
    ],
)
def test_what_cannot_be_an_entry_is_refused(changed: dict[str, Any]) -> None:
    form, draft = Form(make_draft(), LOG), make_draft()
    assert verified(fill(form, draft).sealed(0, CHAIN)).content == draft
    with pytest.raises(EntryRejected):
        fill(form, draft, **changed)


def test_an_example_that_is_no_entry_makes_no_form() -> None:
    for changed in ({"purpose": "p" * 65}, {"version": 1}, {"application": "a\nb"}):
        with pytest.raises(EntryRejected):
            Form(make_draft(**changed), LOG)


async def test_filled_forms_and_drafts_share_the_log(service: LedgerService) -> None:
    told: list[object] = []
    service.ledger.noted = told.append
    form = Form(make_draft(), LOG)
    entries: list[EntryDraft | Filled] = [fill(form, make_draft(f"f{number}")) for number in range(20)]
    entries += [make_draft("d"), make_draft("e")]
    await service.start()
    receipts = await asyncio.gather(*(service.ledger.append_filled(each) for each in entries))
    await service.close()
    assert [receipt.call for receipt in receipts] == [*(f"f{number}" for number in range(20)), "d", "e"]
    assert len(told) == 22
    assert all(verify_receipt(receipt, service.verifier_key) for receipt in receipts)
    assert [receipt.as_bytes() for receipt in receipts] == [orjson.dumps(receipt.as_json()) for receipt in receipts]
    assert check(service, receipts=receipts).ok
