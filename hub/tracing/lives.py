"""申请 → 授权 → 调用 → 存储 → 处置: the life history of a grant, from the number of its request or its own (LOG-02)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from hub.ledger import tables
from hub.ledger.parsing import parse
from hub.sharing.steps import Step, steps_of
from hub.sharing.tables import access_request, disposal, grant
from hub.tracing.copies import Copy, exchange_in
from hub.tracing.search import Carried

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Disposed:
    """What the consumer owes and said of the data after the grant's end."""

    state: str
    due_on: str
    filed_at: datetime | None
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Life:
    """What is known of a request and its grant; ``grant`` is ``None`` while it came to none. ``calls`` are newest first."""

    request: str | None
    grant: str | None
    application: str
    resource: str
    state: str
    """The grant's, else the request's."""
    valid_from: datetime | None
    valid_to: datetime | None
    approver: str | None
    steps: tuple[Step, ...]
    calls: tuple[Carried, ...]
    more: bool
    disposal: Disposed | None
    copies: dict[str, Copy] = field(default_factory=dict)

    def copy(self, carried: Carried) -> Copy | None:
        """What became of the exchange that an entry is about."""
        number = exchange_in(carried.entry)
        return self.copies.get(number) if number else None


def life_of(connection: Connection, number: str, first: int, before: int | None) -> Life | None:
    """The life history behind the number of a request or of a grant, with at most ``first`` calls below the entry ``before``."""
    request = connection.execute(select(access_request).where(or_(access_request.c.id == number, access_request.c.grant == number))).first()
    given = _grant(connection, number, request)
    if request is None and given is None:
        return None
    numbers = [each for each in (request and request.id, given and given.id) if each]
    steps = sorted((step for found in steps_of(connection, numbers).values() for step in found), key=lambda step: step.at)
    calls = list(_calls(connection, given, first + 1, before)) if given is not None else []
    about: Any = given if given is not None else request
    return Life(
        request=request.id if request is not None else given.request if given is not None else None,
        grant=given.id if given is not None else None,
        application=about.application,
        resource=about.resource,
        state=about.state,
        valid_from=given.valid_from if given is not None else None,
        valid_to=given.valid_to if given is not None else None,
        approver=given.approver if given is not None else None,
        steps=tuple(steps),
        calls=tuple(calls[:first]),
        more=len(calls) > first,
        disposal=_disposal(connection, given.id) if given is not None else None,
    )


def _grant(connection: Connection, number: str, request: Row[Any] | None) -> Row[Any] | None:
    named = number if request is None or request.grant is None else request.grant
    return connection.execute(select(grant).where(grant.c.id == named)).first()


def _calls(connection: Connection, given: Row[Any], first: int, before: int | None) -> Iterator[Carried]:
    """Entries under the grant, newest first."""
    entry, access, found = tables.entry.c, tables.access.c, 0
    joined = tables.entry.join(tables.access, and_(access.seq == entry.seq, access.resource == given.resource))
    mine = select(entry.seq, entry.canonical).select_from(joined).where(entry.application == given.application).order_by(entry.seq.desc()).limit(_AT_ONCE)
    while found < first:
        rows = connection.execute(mine if before is None else mine.where(entry.seq < before)).all()
        if not rows:
            return
        for row in rows:
            content = parse(row.canonical)
            under = tuple(each for each in content.content.accesses if each.grant == given.id)
            if under:
                found += 1
                yield Carried(content, under)
        before = rows[-1].seq


def _disposal(connection: Connection, number: str) -> Disposed | None:
    row = connection.execute(select(disposal).where(disposal.c.grant == number)).first()
    return Disposed(row.state, row.due_on, row.filed_at, row.confirmed_at) if row is not None else None
