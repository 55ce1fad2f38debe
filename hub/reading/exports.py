"""An export: one reading of the log into a file, entered when it begins, and when it ends with its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from hub.core import Core
from hub.ledger.digest import digest_of
from hub.ledger.entry import EntryDraft, Json
from hub.ledger.errors import LedgerCorrupt
from hub.ledger.matching import CallFilter
from hub.ledger.publish import last_size
from hub.ledger.search import Found, extent, search
from hub.reading.bundle import head_over, header, segment_header
from hub.reading.columns import Rows
from hub.reading.formats import MEDIA, BundleFormat, CsvFormat, Format, ParquetFormat, Proving, RowsFormat
from hub.reading.notes import told
from hub.reading.views import Scope, View
from hub.store.base import now
from schema.faults import Code, Fault, bad_input

PAGE = 1000
"""Entries read at once."""
BEGUN, ENDED = "ledger.export", "ledger.exported"


@dataclass
class Export:
    """What is exported: ``size`` entries stood in the published log when it began; those before ``archived`` are in the archive alone."""

    core: Core
    scope: Scope
    which: CallFilter
    form: str
    actor: str
    call: str
    size: int = 0
    archived: int = 0
    entries: int = 0
    rows: int = 0
    sent: int = 0
    complete: bool = False
    _hash: Any = field(default_factory=hashlib.sha256)

    def parts(self) -> Iterator[bytes]:
        """The file's bytes, part by part; each page of entries is read in a transaction of its own."""
        made = self._format()
        yield self._sent(made.head())
        behind: int | None = None
        while True:
            with self.core.engine.connect() as connection:
                found = self._page(connection, behind)
                content = made.part(connection, found.entries)
            self.entries += len(found.entries)
            if content:
                yield self._sent(content)
            if found.onward is None:
                break
            behind = found.onward
        yield self._sent(made.tail())
        self.rows, self.complete = made.rows, True

    @property
    def name(self) -> str:
        """A name for the file."""
        return f"ledger-{self.scope.view.value}-{now().strftime('%Y%m%dT%H%M%SZ')}.{self.form}"

    def begun(self) -> dict[str, Json]:
        """What the entry says that stands before the first byte."""
        return {**self._said(BEGUN), "filter": dict(told(self.which, self.core.subjects)), "size": self.size}

    def ended(self) -> dict[str, Json]:
        """What the entry says that stands after the last one."""
        counted = {"entries": self.entries, "rows": self.rows, "bytes": self.sent, "sha256": self._hash.hexdigest()}
        return {**self._said(ENDED), **counted, "complete": self.complete}

    def _said(self, act: str) -> dict[str, Json]:
        return {"actor": self.actor, "act": act, "target": f"{self.scope.view.value}.{self.form}", "export": self.call}

    def _sent(self, content: bytes) -> bytes:
        self._hash.update(content)
        self.sent += len(content)
        return content

    def _page(self, connection: Connection, behind: int | None) -> Found:
        return search(connection, self.which, PAGE, behind, ascending=True)

    def _format(self) -> Format:
        signer = self.core.log.signer
        digest = digest_of(signer.verifier_key.name)
        rows = Rows(self.scope, self._name_of, digest)
        if self.form == "csv":
            return CsvFormat(rows)
        if self.form == "parquet":
            return ParquetFormat(rows)
        proving = Proving(self.size, digest, signer)
        first = self._first_line()
        return BundleFormat(first, proving) if self.scope.view is View.ALL else RowsFormat(rows, first, proving)

    def _name_of(self, client_id: str) -> str | None:
        app = self.core.registry.application(client_id)
        return app.name if app else None

    def _first_line(self) -> dict[str, Any]:
        """The first line of JSON Lines. A run of the log without conditions is a segment; all else is counted first, for the line says how many follow."""
        with self.core.engine.connect() as connection:
            head = head_over(connection, self.size)
            if head is None or head[0] != self.size:
                raise LedgerCorrupt(f"the checkpoint over {self.size} entries is not there any more; run `huitong ledger verify`")
            about = {"actor": self.actor, "at": now().isoformat(), "filter": told(self.which, self.core.subjects), "archivedBefore": self.archived}
            low, high = max(self.which.lowest or 0, self.archived), min(self.which.highest or 0, self.size - 1)
            if self.scope.view is View.ALL and replace(self.which, lowest=None, highest=None) == CallFilter() and low <= high:
                return segment_header(connection, head[1], self.size, low, high - low + 1, about)
            first, count = self._counted(connection)
            return header("extract", head[1], first, count, about)

    def _counted(self, connection: Connection) -> tuple[int, int]:
        first, count, behind = 0, 0, None
        while True:
            found = self._page(connection, behind)
            if found.entries and not count:
                first = found.entries[0].seq
            count += len(found.entries)
            if found.onward is None:
                return first, count
            behind = found.onward


def new_export(core: Core, scope: Scope, which: CallFilter, form: str, actor: str, call: str) -> Export:
    """An export of what is published at this moment.

    Raises:
        Fault: ``BAD_INPUT`` for a format that is not on offer, ``NOT_FOUND`` while nothing is published.
    """
    if form not in MEDIA:
        raise bad_input("format 不可用", "the format is not on offer", f"可用：{', '.join(MEDIA)}", f"use one of {', '.join(MEDIA)}")
    with core.engine.connect() as connection:
        size, there = last_size(connection), extent(connection)
    if not size:
        raise Fault(Code.NOT_FOUND, "日志尚未发布", "nothing of the log is published yet", "请于 2 秒后重试", "try again in 2 seconds")
    highest = size - 1 if which.highest is None else min(which.highest, size - 1)
    return Export(core, scope, replace(which, highest=highest), form, actor, call, size, there.first)


def export_draft(export: Export, details: Mapping[str, Json], **who: Any) -> EntryDraft:
    """The entry of an export's beginning or end."""
    ended = details["act"] == ENDED
    return EntryDraft(
        kind="admin",
        call=export.call if not ended else f"{export.call}.end",
        outcome="OK" if not ended or export.complete else "FAILED",
        operation=str(details["act"]),
        medium="FILE",
        bytes=export.sent,
        code=None if not ended or export.complete else "ABORTED",
        details=details,
        **who,
    )
