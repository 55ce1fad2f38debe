"""Who has, or may have, data of a resource: from the grants in force and from the whole log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select

from hub.ledger import tables
from hub.sharing.tables import application, disposal, grant
from hub.tracing.copies import Copy, copy_of

_AT_ONCE = 1000
_TAKING = ("call", "exchange", "download")
_ANSWERED = ("OK", "PARTIAL")


@dataclass(frozen=True, slots=True)
class HeldGrant:
    """A grant on the resource that has not ended, or whose data are still to be disposed of. ``disposal`` is that case's state."""

    id: str
    state: str
    valid_to: datetime | None
    disposal: str | None


@dataclass
class Recipient:
    """One application, or the public (``application`` is ``None``). ``rows``: by calls and exchanges; a download brings no further ones."""

    application: str | None
    name: str | None
    department: str | None
    grants: tuple[HeldGrant, ...] = ()
    calls: int = 0
    rows: int = 0
    downloads: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    purposes: dict[str, None] = field(default_factory=dict)
    copies: tuple[Copy, ...] = ()
    exchanges: dict[str, None] = field(default_factory=dict)

    def note(self, content: Mapping[str, Any], resource: str) -> None:
        """Adds an entry that took something of the resource."""
        kind, at = content["kind"], datetime.fromisoformat(content["at"])
        self.first_at, self.last_at = min(self.first_at or at, at), max(self.last_at or at, at)
        if content["purpose"]:
            self.purposes[content["purpose"]] = None
        if number := (content["details"] or {}).get("exchange"):
            self.exchanges[number] = None
        if kind == "download":
            self.downloads += 1
            return
        self.calls += kind == "call"
        self.rows += sum(access["rows"] for access in content["accesses"] if access["resource"] == resource)


def recipients_of(connection: Connection, resource: str) -> list[Recipient]:
    """All recipients, those who took the most last first. Reads every entry that touched the resource, with bounded memory."""
    apps = {row.client_id: row for row in connection.execute(select(application.c.client_id, application.c.name, application.c.department))}
    found: dict[str | None, Recipient] = {}
    for client_id, grants in _grants(connection, resource).items():
        found[client_id] = Recipient(client_id, apps[client_id].name, apps[client_id].department, tuple(grants))
    for content in _taken(connection, resource):
        taker = content["application"]
        if taker not in found:
            found[taker] = Recipient(taker, apps[taker].name if taker in apps else None, content["department"])
        found[taker].note(content, resource)
    for recipient in found.values():
        recipient.copies = tuple(copy for number in recipient.exchanges if (copy := copy_of(connection, number)) is not None)
    return sorted(found.values(), key=lambda each: (-each.rows, -each.calls, each.application or ""))


def _grants(connection: Connection, resource: str) -> dict[str, list[HeldGrant]]:
    columns = (grant.c.id, grant.c.application, grant.c.state, grant.c.valid_to, disposal.c.state.label("disposal"))
    joined = grant.outerjoin(disposal, disposal.c.grant == grant.c.id)
    found: dict[str, list[HeldGrant]] = {}
    for row in connection.execute(select(*columns).select_from(joined).where(grant.c.resource == resource).order_by(grant.c.id)):
        if row.state in ("ACTIVE", "SUSPENDED") or row.disposal not in (None, "CONFIRMED"):
            found.setdefault(row.application, []).append(HeldGrant(row.id, row.state, row.valid_to, row.disposal))
    return found


def _taken(connection: Connection, resource: str) -> Iterable[Mapping[str, Any]]:
    """What entries say that took something of the resource, oldest first; verifications among them."""
    entry, access = tables.entry.c, tables.access.c
    joined = tables.entry.join(tables.access, access.seq == entry.seq)
    which = (access.resource == resource, entry.kind.in_(_TAKING), entry.outcome.in_(_ANSWERED))
    statement = select(entry.seq, entry.canonical).select_from(joined).where(*which).order_by(access.seq).limit(_AT_ONCE)
    behind = -1
    while rows := connection.execute(statement.where(access.seq > behind)).all():
        yield from (orjson.loads(row.canonical) for row in rows)
        behind = rows[-1].seq
