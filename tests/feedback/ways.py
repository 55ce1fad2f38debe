"""Reports in a hub with two departments, and the acts that follow them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from hub.core import Core
from hub.feedback.cases import FeedbackCase
from hub.feedback.given import Evidence, Given, Report
from hub.feedback.service import Filed
from hub.feedback.tables import feedback_case
from hub.ledger.entry import Access, EntryDraft, Item
from hub.sharing.machine import PUBLIC_ACTOR
from tests.sharing.sides import DECIDER, GIVER, HEAD, RESOURCE, consumer

START = datetime(2026, 2, 9, 2, tzinfo=UTC)
"""Monday, ten in the morning in China. The Spring Festival of 2026 is from 15 to 23 February; 14 and 28 February are working Saturdays."""
LATER = datetime(2026, 2, 10, 2, tzinfo=UTC)
TEXT = "张三的出生日期与身份证不符"


def report(core: Core, actor: Any = None, text: str = TEXT, **given: Any) -> Filed:
    """What the application ``tenants`` reports, or another."""
    return core.feedback.report(actor or consumer(core), core.catalog.current().resources[RESOURCE], Report(text, **given))


def reported(core: Core, **given: Any) -> str:
    """The number of a report."""
    return report(core, **given).case.id


def public(core: Core, address: str = "192.0.2.1", text: str = TEXT, **given: Any) -> Filed:
    """What the public reports from an address."""
    code = given.pop("code", None)
    return core.feedback.report(PUBLIC_ACTOR, core.catalog.current().resources[RESOURCE], Report(text, **given), address, code)


def evidence(items: tuple[str, ...] = ("birth_date",), as_of: datetime | None = LATER, entry: int | None = None) -> Given:
    """Of a correction."""
    return Given(evidence=Evidence(items, as_of, entry))


def do(core: Core, number: str, *acts: str) -> FeedbackCase:
    """Does acts by whose turn it is; the case after them."""
    actors = {"correct": GIVER, "accept": GIVER, "explain": GIVER, "reject": GIVER, "order": DECIDER, "uphold": DECIDER, "urge": DECIDER}
    actors |= {"redress": DECIDER, "dismiss": DECIDER}
    case = None
    for act in acts:
        given = evidence() if act == "correct" else Given(opinion=f"{act} 的意见")
        case = core.feedback.act(actors.get(act, HEAD), act, number, given)
    assert case is not None
    return case


def call(core: Core, application: str | None, resource: str = RESOURCE, outcome: Any = "OK") -> int:
    """The entry of a call on a resource."""
    access = Access(resource, resource.partition(".")[0], "db", (Item("birth_date", "clear"),), 1, (), None, None, "p")
    draft = EntryDraft(kind="call", call="call_x", outcome=outcome, operation="query", medium="INTERFACE", application=application, accesses=(access,))
    return core.ledger.append_sync(draft).entry


def change(core: Core, number: str, **values: Any) -> None:
    """Changes a case past the services."""
    with core.engine.begin() as connection:
        connection.execute(update(feedback_case).where(feedback_case.c.id == number).values(**values))


def case_of(core: Core, number: str) -> FeedbackCase:
    """The case as it is shown."""
    found = core.feedback.reader.get(number)
    assert found is not None
    return found


def row(core: Core, number: str) -> Any:
    """The stored case."""
    with core.engine.connect() as connection:
        return connection.execute(select(feedback_case).where(feedback_case.c.id == number)).one()
