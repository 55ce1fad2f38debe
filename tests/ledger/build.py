"""Ledgers and drafts as tests and child processes make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.ledger import tables
from hub.ledger.entry import Access, EntryDraft, Item, SourceState
from hub.ledger.report import Report
from hub.ledger.service import LedgerService
from hub.ledger.verify import verify
from hub.store.base import metadata
from hub.store.engine import open_engine
from hub.tracing import tables as tracing
from masking.rules import Mask

LOG = "hub.example/ledger"
_TABLES = [tables.head, tables.key, tables.batch, tables.entry, tables.access, tables.node, tables.checkpoint, tables.hour, tables.archive]
_TABLES += [tracing.subject_bucket, tracing.set_entry, tracing.exchange_entry, tracing.indexed, tracing.subject_set]


def open_service(home: Path, log: str = LOG) -> LedgerService:
    """The ledger of this directory, made where it does not exist yet; in the database that the directory's file ``control.url`` names, else in SQLite."""
    named = home / "control.url"
    engine = open_engine(named.read_text() if named.exists() else f"sqlite:///{home / 'control.db'}")
    metadata.create_all(engine, tables=_TABLES)
    return LedgerService.assemble(engine, home / "keys", log)


def make_draft(call: str = "call-1", **changed: Any) -> EntryDraft:
    """The entry of a query of one person."""
    items = (Item("name", "clear"), Item("id_number", "key"), Item.masked("phone", Mask("KEEP_FIRST_N_LAST_M", (3, 4))))
    access = Access("civil_affairs.person", "civil_affairs", "civil_affairs_db", items, 1, ("0123456789abcdef" * 2,), "grant-1", "王五", "f" * 32)
    said: dict[str, Any] = {
        "kind": "call",
        "call": call,
        "outcome": "OK",
        "operation": "query",
        "medium": "INTERFACE",
        "application": "housing_app",
        "department": "housing",
        "operator": "张三",
        "case": "2026-17",
        "purpose": "rent",
        "scenario": "公租房资格审核",
        "basis": "条例第十条",
        "approver": "王五",
        "accesses": (access,),
        "document": "a" * 64,
        "rows": 1,
        "bytes": 321,
        "sources": (SourceState("civil_affairs_db", "OK", 3),),
    }
    return EntryDraft(**{**said, **changed})


def check(service: LedgerService, **also: Any) -> Report:
    """A full verification with the ledger's own key."""
    with service.engine.connect() as connection:
        return verify(connection, [service.verifier_key], **also)
