"""Acts of withdrawal: taken out by the security administrator or the owning department, given back by another administrator after an assessment."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, Row, insert, select, update

from hub.acts import Actor, Acts, bump, make_id
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import SECURITY, STEWARD
from hub.catalog.tables import snapshot
from hub.ledger.search import extent
from hub.people.roles import identity_of
from hub.sharing.texts import NOT_PLAIN, is_plain
from hub.store.base import now
from hub.store.engine import reading
from hub.withdrawal.recipients import Recipient, recipients_of
from hub.withdrawal.tables import withdrawal
from schema.model import Snapshot

MOST_TEXT = 2000
"""Characters of a reason or an assessment."""
MOST_NUMBER = 200
_PATIENCE_MS = 120_000


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One withdrawal: ``WITHDRAWN`` while it holds, then ``RESTORED``."""

    id: str
    resource: str
    department: str
    state: str
    reason: str
    document: str | None
    withdrawn_by: str
    withdrawn_at: datetime
    restored_by: str | None
    restored_at: datetime | None
    assessment: str | None


class WithdrawalService:
    """Works on single resources; a whole source or department is withdrawn resource by resource. Synchronous, for worker threads."""

    def __init__(self, engine: Engine, acts: Acts, catalog: Callable[[], Snapshot]) -> None:
        self._engine = engine
        self._acts = acts
        self._catalog = catalog

    def withdraw(self, actor: Actor, resource: str, reason: str, document: str | None = None) -> Withdrawal:
        """Takes a resource out of service: one act, in force at every node with its next look at the control database.

        Raises:
            Refused: by role, without a reason, or where it is withdrawn already.
        """
        act, owner = "withdrawResource", resource.partition(".")[0]
        if not actor.may(SECURITY) and not (actor.may(STEWARD) and actor.department == owner):
            self._refuse(actor, act, resource, Problem("FORBIDDEN", f"需要权限 needs {SECURITY} / {STEWARD} ({owner})", "", "input"))
        if problem := _text_problem("reason", reason, MOST_TEXT) or (_text_problem("document", document, MOST_NUMBER) if document is not None else None):
            self._refuse(actor, act, resource, problem)
        seen = self._catalog()
        if resource not in seen.resources:
            self._refuse(actor, act, resource, Problem("NOT_FOUND", f"目录中没有资源 the catalog has no resource {resource[:120]}", "", "resource"))
        number = make_id("withdrawal")

        def work(connection: Connection) -> Row[Any]:
            if _in_force(connection, resource) is not None:
                raise Refused(Problem("CONFLICT", f"资源已撤回 it is withdrawn already: {resource}", "huitong catalog withdrawals", "resource"))
            values = {"id": number, "resource": resource, "department": owner, "state": "WITHDRAWN", "reason": reason.strip(), "document": document}
            connection.execute(insert(withdrawal).values(**values, catalog=seen.number, withdrawn_by=actor.name, withdrawn_at=now()))
            bump(connection, "catalog")
            return _row(connection, number)

        return _made(self._acts.do(actor, act, resource, work, {"withdrawal": number, "reason": reason.strip(), "document": document}))

    def restore(self, actor: Actor, resource: str, assessment: str) -> Withdrawal:
        """Gives a resource back, after an assessment, with what the catalog in force masks. Not by who withdrew it.

        Raises:
            Refused: by role, by four eyes, without an assessment, or where it is not withdrawn.
        """
        act = "restoreResource"
        if not actor.may(SECURITY):
            self._refuse(actor, act, resource, Problem("FORBIDDEN", f"需要权限 needs {SECURITY}", "", "input"))
        if problem := _text_problem("assessment", assessment, MOST_TEXT):
            self._refuse(actor, act, resource, problem)
        with self._engine.connect() as connection:
            held = _in_force(connection, resource)
            changed = held is not None and _manifest(connection, held.catalog, held.department) != _manifest(connection, None, held.department)

        def work(connection: Connection) -> Row[Any]:
            row = _in_force(connection, resource)
            if row is None:
                raise Refused(Problem("NOT_FOUND", f"资源未撤回 it is not withdrawn: {resource[:120]}", "huitong catalog withdrawals", "resource"))
            if actor.is_called(row.withdrawn_by) or identity_of(connection, actor) == identity_of(connection, Actor(row.withdrawn_by)):
                raise Refused(
                    Problem("FOUR_EYES", "恢复人不得为撤回人 who withdrew it does not give it back", "请由他人办理 let somebody else do it", "resource")
                )
            values = {"state": "RESTORED", "restored_by": actor.name, "restored_at": now(), "assessment": assessment.strip()}
            connection.execute(update(withdrawal).where(withdrawal.c.id == row.id).values(**values))
            bump(connection, "catalog")
            return _row(connection, row.id)

        return _made(self._acts.do(actor, act, resource, work, {"assessment": assessment.strip(), "manifest_changed": changed}))

    def find(
        self, state: str | None = None, resource: str | None = None, department: str | None = None, first: int | None = None, after: str | None = None
    ) -> list[Withdrawal]:
        """Withdrawals, newest first; all of them, or the ``first`` behind the one whose number is ``after``."""
        statement = select(withdrawal).order_by(withdrawal.c.id.desc()).limit(first)
        statement = statement if after is None else statement.where(withdrawal.c.id < after)
        for column, value in ((withdrawal.c.state, state), (withdrawal.c.resource, resource), (withdrawal.c.department, department)):
            if value is not None:
                statement = statement.where(column == value)
        with self._engine.connect() as connection:
            return [_made(row) for row in connection.execute(statement)]

    def recipients(self, resource: str) -> list[Recipient]:
        """Everybody who may take the resource under a grant, and everybody who ever took something of it, with what and when."""
        with reading(self._engine, _PATIENCE_MS) as connection:
            return recipients_of(connection, resource)

    def archived_before(self) -> int:
        """The number of the first entry that the recipients are taken from: earlier ones were archived and removed. 0: all are there."""
        with self._engine.connect() as connection:
            return extent(connection).first

    def _refuse(self, actor: Actor, act: str, target: str, problem: Problem) -> NoReturn:
        self._acts.refuse(actor, act, target, problem)
        raise Refused(problem)


def _text_problem(path: str, text: str, most: int) -> Problem | None:
    if not 0 < len(text.strip()) <= most:
        return Problem("BAD_INPUT", f"{path} 应为 1 至 {most} 个字符 must have 1 to {most} characters", "", path)
    return None if is_plain(text) else Problem("BAD_INPUT", f"{path}: {NOT_PLAIN}", "请去除 remove them", path)


def _in_force(connection: Connection, resource: str) -> Row[Any] | None:
    return connection.execute(select(withdrawal).where(withdrawal.c.resource == resource, withdrawal.c.state == "WITHDRAWN")).first()


def _row(connection: Connection, number: str) -> Row[Any]:
    return connection.execute(select(withdrawal).where(withdrawal.c.id == number)).one()


def _manifest(connection: Connection, number: int | None, department: str) -> int | None:
    """The import that described a department in a snapshot, by default the last."""
    statement = select(snapshot.c.manifests).order_by(snapshot.c.number.desc()).limit(1)
    found = connection.execute(statement if number is None else statement.where(snapshot.c.number == number)).scalar()
    made: int | None = json.loads(found).get(department) if found else None
    return made


def _made(row: Row[Any]) -> Withdrawal:
    who = {"withdrawn_by": row.withdrawn_by, "withdrawn_at": row.withdrawn_at, "restored_by": row.restored_by, "restored_at": row.restored_at}
    return Withdrawal(row.id, row.resource, row.department, row.state, row.reason, row.document, assessment=row.assessment, **who)
