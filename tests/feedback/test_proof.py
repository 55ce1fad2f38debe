"""Histories are those that the ledger has: whoever alters one past the services is found (COR-03, LOG-03)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, delete, func, insert, select, text, update

from hub.clock import Hand
from hub.core import Core
from hub.feedback.given import Given
from hub.feedback.proof import verify_histories
from hub.feedback.tables import feedback_case
from hub.ledger.tables import entry
from hub.sharing.tables import step
from hub.store.migrations.versions import rev_0007_ledger
from tests.feedback.ways import LATER, START, do, report, reported
from tests.sharing.sides import HEAD

pytestmark = pytest.mark.slow
AT = step.c.number == 1


def _swap(connection: Connection) -> None:
    for old, new in ((1, 9), (2, 1), (9, 2)):
        connection.execute(update(step).where(step.c.number == old).values(number=new))


FORGERIES: dict[str, tuple[Callable[[Connection], Any], str]] = {
    "the last step deleted": (lambda c: c.execute(delete(step).where(step.c.number == 2)), "missing"),
    "a step between deleted": (lambda c: c.execute(delete(step).where(AT)), "is not the step 'accept'"),
    "the first deleted": (lambda c: c.execute(delete(step).where(step.c.number == 0)), "is not the step 'report'"),
    "all deleted": (lambda c: c.execute(delete(step)), "missing"),
    "an opinion altered": (lambda c: c.execute(update(step).where(AT).values(opinion="另一意见")), "is not the step 'accept'"),
    "an actor altered": (lambda c: c.execute(update(step).where(AT).values(actor="other")), "is not the step 'accept'"),
    "a time altered": (lambda c: c.execute(update(step).where(AT).values(at=LATER - timedelta(days=1))), "is not the step 'accept'"),
    "an act altered": (lambda c: c.execute(update(step).where(AT).values(step="reject")), "is not the step 'accept'"),
    "two swapped": (_swap, "is not the step 'accept'"),
    "a step added": (
        lambda c: c.execute(
            step.insert().from_select(["subject", "number", "at", "actor", "step"], select(step.c.subject, 3, step.c.at, step.c.actor, step.c.step).where(AT))
        ),
        "has no entry",
    ),
    "the description altered": (lambda c: c.execute(update(feedback_case).values(description="无误")), "description"),
    "the case deleted": (lambda c: c.execute(delete(feedback_case)), "the case is gone"),
}


def test_what_was_altered_is_found(core: Core, hand: Hand) -> None:
    number = reported(core)
    hand.set(LATER)
    do(core, number, "accept", "explain")
    with core.engine.connect() as connection:
        assert verify_histories(connection).ok
        for forgery, (act, finding) in FORGERIES.items():
            with connection.begin_nested() as undone:
                act(connection)
                found = verify_histories(connection).findings
                undone.rollback()
            assert [number in each and finding in each for each in found] == [True], (forgery, found)
        assert verify_histories(connection).ok


def test_entries_that_went_after_their_retention_leave_the_later_steps_proven(core: Core, hand: Hand) -> None:
    number = reported(core)
    do(core, number, "accept")
    with core.engine.connect() as connection:
        last = connection.execute(select(func.max(entry.c.seq))).scalar_one()
        connection.execute(delete(entry).where(entry.c.seq < last))
        found = verify_histories(connection)
        assert (found.ok, found.unproven) == (True, 1)
        connection.execute(update(step).where(AT).values(actor="other"))
        assert len(verify_histories(connection).findings) == 1


def test_a_refused_act_is_no_step(core: Core) -> None:
    number = reported(core)
    with pytest.raises(Exception, match="CONFLICT"):
        core.feedback.act(HEAD, "confirm", number, Given())
    report(core)
    with core.engine.connect() as connection:
        found = verify_histories(connection)
    assert (found.ok, found.cases, found.steps) == (True, 1, 1)


def test_cases_of_before_are_taken_over(core: Core, tmp_path: Path) -> None:
    """Feedback could be filed, and nothing more."""
    engine = create_engine(f"sqlite:///{tmp_path / 'before.db'}")
    made = START.isoformat(timespec="microseconds")
    terms = '{"resource": "civil_affairs.person", "item": null, "subject_entry": "17", "description": "有误"}'
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        op.execute("CREATE TABLE application (client_id TEXT, name TEXT, department TEXT)")
        op.execute("INSERT INTO application VALUES ('app_1', 'tenants', 'housing_bureau')")
        op.execute("CREATE TABLE step (subject TEXT, number BIGINT, at TEXT, actor TEXT, step TEXT, opinion TEXT)")
        connection.execute(text("INSERT INTO step VALUES ('feedback_1', 0, :at, 'zhang', 'SUBMITTED', NULL)"), {"at": made})
        op.execute(
            "CREATE TABLE feedback (id TEXT, application TEXT, resource TEXT, terms TEXT, state TEXT, due_on TEXT, rule TEXT, term TEXT, created_at TEXT)"
        )
        values = {"terms": terms, "at": made}
        statement = "INSERT INTO feedback VALUES ('feedback_1', 'app_1', 'civil_affairs.person', :terms, 'SUBMITTED', '2026-02-28', 'r', 'correction', :at)"
        connection.execute(text(statement), values)
        rev_0007_ledger._feedback()
        old = dict(connection.execute(select(feedback_case)).one()._mapping)
    engine.dispose()
    assert (old["filed_by"], old["subject_entry"], old["provider"], old["consumer"], old["runs"]) == ("zhang", 17, "civil_affairs", "housing_bureau", True)
    with core.engine.begin() as connection:
        connection.execute(insert(feedback_case).values(**old))
        connection.execute(insert(step).values(subject="feedback_1", number=0, at=START, actor="zhang", step="SUBMITTED"))
    do(core, "feedback_1", "accept")
    with core.engine.connect() as connection:
        found = verify_histories(connection)
    assert (found.ok, found.cases, found.unproven) == (True, 1, 1)
