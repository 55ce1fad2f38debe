"""Entries of answered calls by their forms: byte for byte what the reference makes of the same answer, whatever was seen before."""

from __future__ import annotations

from typing import Any

import pytest

from auth.decide import Rights
from auth.rights import Operation, Purpose, Use
from connectors.calling import CALLING, Calling
from hub.api.call_entries import CallEntries, Made
from hub.api.context import Caller
from hub.api.entries import access_entries, call_entry
from hub.clock import clock
from hub.ledger.canonical import record
from hub.ledger.forms import Filled
from hub.ledger.pending import Pending
from hub.ledger.subjects import Subjects
from hub.sharing.registry import Application
from hub.store.base import now
from hub.tracing.sets import CHUNK, MOST_NAMED, MOST_TOGETHER, set_aside
from schema.answer import Answer, SourceState
from schema.documents import Document
from tests.ledger.build import LOG
from tests.schema.city import city, grant, rights

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

SUBJECTS = Subjects(b"s" * 32)
PURPOSE = Purpose("rent", "公租房资格审核 100%", "条例第十条")
ONE = '{ civilAffairs { person(idNumber: "11010519491231002x") { phone household { address } } } }'
MANY = "{ civilAffairs { persons { nodes { name phone household { address } } } } }"
USES = (Use("rent", "张三", "2026-17"), Use("rent", '","seq":0,"', None), Use("rent", None, "%d"))


def caller(granted: Rights, use: Use = USES[0], client_id: str | None = "housing_app") -> Caller:
    """An application with these rights; the public without an id."""
    application = Application(client_id, "住房", "housing", "", frozenset(), (), True, ()) if client_id else None
    return Caller(application, granted, use)


async def answered(text: str, granted: Rights) -> tuple[Answer, Document]:
    """What the city answers."""
    hub, _ = city()
    answer = await hub.ask(granted, text)
    view = hub.view(granted)
    return answer, hub.documents.check(text, view)


def compare(entries: CallEntries, who: Caller, answer: Answer, document: Document, call: str = "call_1", **also: Any) -> Made:
    """The entry, compared with the reference; ``also`` are details."""
    with clock.at(now()):
        made = entries.answered(call, who, answer, document, PURPOSE, 321, "query", also or None)
        accesses, sets = set_aside(access_entries(answer, SUBJECTS, who.rights.fingerprint))
        draft = call_entry(call, who, answer, accesses, document, PURPOSE, 321, "query", also or None)
    said = made.entry if isinstance(made.entry, Filled) else Pending(made.entry, record(made.entry, LOG))
    reference = Pending(draft, record(draft, LOG))
    assert said.sealed(7, "ab" * 32) == reference.sealed(7, "ab" * 32)
    assert (said.repeated, list(said.places)) == (reference.repeated, reference.places)
    assert (made.rows, len(made.sets)) == ({access.resource: access.rows for access in accesses}, len(sets))
    return made


@pytest.mark.parametrize("text", [ONE, MANY])
async def test_an_entry_is_that_of_the_reference(text: str) -> None:
    entries, granted = CallEntries(SUBJECTS, LOG), rights(grant())
    answer, document = await answered(text, granted)
    for number, use in enumerate((*USES, *USES)):
        made = compare(entries, caller(granted, use), answer, document, f"call_{number}")
        assert isinstance(made.entry, Filled)
    compare(entries, caller(granted, client_id=None), answer, document)
    compare(entries, caller(granted, client_id="another"), answer, document)


async def test_the_trace_and_the_time_are_those_of_the_call() -> None:
    entries, granted = CallEntries(SUBJECTS, LOG), rights(grant())
    answer, document = await answered(ONE, granted)
    for digit in "1234":
        token = CALLING.set(Calling("call_1", trace=f"00-{digit * 32}-{digit * 16}-01"))
        made = entries.answered("call_1", caller(granted), answer, document, PURPOSE, 1, "query")
        CALLING.reset(token)
        assert isinstance(made.entry, Filled)
        assert f'"trace":"{digit * 32}"'.encode() in made.entry.sealed(0, "")
        assert b'"ms":null' not in made.entry.sealed(0, "")


async def test_what_changes_between_calls_of_one_kind_is_told() -> None:
    entries, granted = CallEntries(SUBJECTS, LOG), rights(grant())
    answer, document = await answered(ONE, granted)
    compare(entries, caller(granted), answer, document)
    person = answer.accesses["civil_affairs.person", Operation.QUERY]
    person.rows = 5
    person.subjects.add("id_number", ["52010219900101001X"])
    compare(entries, caller(granted), answer, document)
    while len(person.uses) > 1:
        person.uses = person.uses[:-1]
        compare(entries, caller(granted), answer, document)
    answer.sources["civil_affairs_db"] = SourceState("civil_affairs_db", "TIMEOUT", 10_000)
    compare(entries, caller(granted), answer, document)
    del answer.accesses["civil_affairs.household", Operation.QUERY]
    compare(entries, caller(granted), answer, document)
    other, _ = await answered(ONE, rights(grant()))
    compare(entries, caller(granted), other, document)


async def test_what_no_form_is_for_is_drafted() -> None:
    entries, granted = CallEntries(SUBJECTS, LOG), rights(grant())
    answer, document = await answered(ONE, granted)
    assert not isinstance(compare(entries, caller(granted), answer, document, mutation=["rate"]).entry, Filled)
    face = answer.accesses["civil_affairs.person", Operation.QUERY].face
    verified = answer.access(face, Operation.VERIFY)
    verified.rows = 1
    verified.subjects.add("id_number", ["11010519491231002X", "440524188001010014"])
    assert not isinstance(compare(entries, caller(granted), answer, document).entry, Filled)


@pytest.mark.parametrize("count", [MOST_NAMED, MOST_NAMED + 1, MOST_TOGETHER + CHUNK])
async def test_very_many_subjects_are_a_set(count: int) -> None:
    entries, granted = CallEntries(SUBJECTS, LOG), rights(grant())
    answer, document = await answered(ONE, granted)
    person = answer.accesses["civil_affairs.person", Operation.QUERY].subjects
    person.clear()
    person.add("#", range(count))
    made = compare(entries, caller(granted), answer, document)
    assert len(made.sets) == (count > MOST_NAMED)


async def test_forms_are_kept_up_to_a_bound() -> None:
    entries, granted = CallEntries(SUBJECTS, LOG, most=3000), rights(grant())
    answer, document = await answered(ONE, granted)
    for name in ("a", "b", "c", "a", "c", "b", "d", "e", "f"):
        compare(entries, caller(granted, client_id=name), answer, document)
    kept = [*entries._known._younger, *entries._known._older]
    assert 0 < len(kept) <= 4
