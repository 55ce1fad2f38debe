"""``docs/ledger.md`` and the ledger's code say the same of entries and receipts."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from hub.ledger.canonical import MAX_BYTES, VERSION, record
from hub.ledger.entry import Access, EntryDraft, Item, Kind, Medium, Outcome, Shown, SourceState, SubjectSet
from hub.ledger.keys import signer_in
from hub.ledger.receipt import Receipt, batch_text
from hub.ledger.rollup import ADDRESSES
from tests.docs.pages import blocks, code, page, section, tables

pytestmark = pytest.mark.fast
PAGE = page("docs/ledger.md")
FORMAT = section(PAGE, "## Entry format, version 2")
ENTRY, ACCESS = ({code(row[0]): row[1:] for row in table[1:]} for table in tables(FORMAT))
TYPES = {"integer": int, "text": str, "list": list, "object": dict}


def _record() -> dict[str, Any]:
    access = Access(
        "civil_affairs.person", "civil_affairs", "civil_affairs.register", (Item("name", "clear"),), 1, ("0" * 32,), "1", "a", "p", SubjectSet(1, "0" * 64)
    )
    texts: dict[str, Any] = dict.fromkeys(
        ("operation", "application", "department", "operator", "case", "purpose", "scenario", "basis", "approver", "document", "document_id", "code"), "x"
    )
    draft = EntryDraft(
        kind="call",
        call="call_1",
        outcome="OK",
        medium="INTERFACE",
        accesses=(access,),
        sources=(SourceState("s", "OK", 1),),
        details={"act": "x"},
        address="127.0.0.1",
        trace="t",
        ms=1,
        **texts,
    )
    return record(draft, "huitong.ledger")


def test_fields_of_entries() -> None:
    """Every key of a record, in its order, with its type."""
    made = _record()
    assert list(ENTRY) == list(made)
    assert {name: TYPES[row[0]] for name, row in ENTRY.items()} == {name: type(value) for name, value in made.items()}


def test_fields_of_accesses() -> None:
    """Every key of an access, in its order, with its type."""
    (made,) = _record()["accesses"]
    assert list(ACCESS) == list(made)
    assert {name: TYPES[row[0]] for name, row in ACCESS.items()} == {name: type(value) for name, value in made.items()}
    assert set(made["items"][0]) == {"code", "shown", "mask"}


@pytest.mark.parametrize(
    ("text", "choice"), [(ENTRY["kind"][1], Kind), (ENTRY["medium"][1], Medium), (ENTRY["outcome"][1], Outcome), (ACCESS["items"][1], Shown)]
)
def test_choices_are_named(text: str, choice: object) -> None:
    """The values that a field may have."""
    assert [value for value in get_args(choice) if f"`{value}`" not in text] == []


def test_numbers() -> None:
    """Version and bounds."""
    assert VERSION == 2
    assert f"At most {MAX_BYTES // 2**20} MiB" in FORMAT
    assert f"at most {ADDRESSES} addresses a second" in PAGE


def test_receipts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A receipt's keys, and the text that is signed."""
    signer = signer_in(tmp_path_factory.mktemp("keys"), "huitong.ledger")
    shown = Receipt("call_1", 7, b"r" * 32, (), signer.sign(b""), 2, 3, b"l" * 32, signer.key_id).as_json()
    told = section(PAGE, "## Receipts: what is signed")
    assert [code(row[0]) for row in tables(told)[0][1:]] == list(shown)
    written = blocks(told, "text")[0]
    for name, value in (("name of the log", "huitong.ledger"), ("entry − index", "5"), ("size", "3"), ("batchRoot", shown["batchRoot"])):
        written = written.replace(f"<{name}>", value)
    assert written.encode() == batch_text("huitong.ledger", 5, 3, b"r" * 32)
