"""Disposal of data 处置 (APP-08): due after every end of a grant, stated by the consumer with a certificate's hash, confirmed by the provider."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, or_, select, update

from hub.acts import Actor, Acts
from hub.catalog.problems import Problem, Refused
from hub.sharing.calendar_service import read_calendar
from hub.sharing.disposal_terms import note_breach
from hub.sharing.due import agreed_due, elapsed, reminder
from hub.sharing.machine import DISPOSAL, check_role, choose, sides
from hub.sharing.reasons import check_opinion
from hub.sharing.rules import RuleBook
from hub.sharing.steps import Step, add_step, steps_of
from hub.sharing.tables import application, disposal, grant
from hub.sharing.texts import NOT_PLAIN, is_plain
from hub.sharing.workdays import Calendar, china_day
from hub.store.base import now

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class DisposalCase:
    """A disposal as it is shown."""

    grant: str
    application: str
    resource: str
    consumer: str
    provider: str
    state: str
    party: str | None
    due_on: date
    rule: str
    overdue: bool
    late: str | None
    elapsed: float | None
    reminder: int | None
    statement: str | None
    certificate_hash: str | None
    filed_by: str | None
    confirmed_by: str | None
    history: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class DisposalGiven:
    """What comes with an act on a disposal."""

    opinion: str = ""
    statement: str = ""
    certificate_hash: str = ""


@dataclass(frozen=True, slots=True)
class DisposalsWanted:
    """Filters of a list; ``seen_…`` bound it to what the reader may see."""

    state: str | None = None
    overdue: bool | None = None
    department: str | None = None
    application: str | None = None
    seen_by_department: str | None = None
    seen_applications: tuple[str, ...] | None = None
    first: int = 50
    after: str | None = None


class Disposals:
    """Reads disposals and does the acts on them. ``act`` may raise :class:`Refused`; then nothing was changed."""

    def __init__(self, engine: Engine, acts: Acts, book: RuleBook) -> None:
        self._engine = engine
        self._acts = acts
        self._book = book

    def act(self, actor: Actor, act: str, number: str, given: DisposalGiven | None = None) -> DisposalCase:
        """Does an act of the state machine on the disposal of a grant."""
        more = given or DisposalGiven()
        details = {"grant": number[:80], "step": act}
        self._acts.do(actor, act, number, lambda connection: self._do(connection, actor, act, number, more), details)
        found = self.get(number)
        if found is None:
            raise Refused(_no_disposal(number))
        return found

    def get(self, number: str) -> DisposalCase | None:
        """The disposal of a grant."""
        with self._engine.connect() as connection:
            found = self._cases(connection, connection.execute(_statement().where(disposal.c.grant == number)).all())
        return found[0] if found else None

    def find(self, wanted: DisposalsWanted) -> Sequence[DisposalCase]:
        """Disposals, the newest grants first."""
        statement = _filtered(_statement(), wanted).order_by(disposal.c.grant.desc()).limit(max(1, min(wanted.first, MOST_LISTED)))
        with self._engine.connect() as connection:
            return self._cases(connection, connection.execute(statement).all())

    def _do(self, connection: Connection, actor: Actor, act: str, number: str, given: DisposalGiven) -> None:
        check_role(DISPOSAL, act, actor)
        row = connection.execute(_statement().where(disposal.c.grant == number)).first()
        case = {**row._mapping, "provider": _provider(row)} if row else {}
        on = sides(actor, case, case["owner"]) if case else set()
        if not on:
            raise Refused(_no_disposal(number))
        transition = choose(DISPOSAL, act, case, actor, on)
        check_opinion(transition, given.opinion)
        note_breach(connection, self._book, case)
        changes: dict[str, Any] = {"state": transition.leads_to(case["state"])} | _filled(transition.act, given)
        changes |= dict.fromkeys(transition.records, actor.name) | dict.fromkeys(transition.clears)
        connection.execute(update(disposal).where(disposal.c.grant == number).values(**changes))
        add_step(connection, number, actor.name, act, given.statement.strip() or given.opinion.strip())

    def _cases(self, connection: Connection, rows: Sequence[Row[Any]]) -> Sequence[DisposalCase]:
        histories = steps_of(connection, [row.grant for row in rows])
        calendar = read_calendar(connection)
        return [_shown(row, histories[row.grant], self._book, calendar) for row in rows]


def _filled(act: str, given: DisposalGiven) -> dict[str, Any]:
    """The columns that an act fills: the proof is a statement and the SHA-256 of the certificate."""
    if act == "confirmDisposal":
        return {"confirmed_at": now()}
    if act != "fileDisposal":
        return {}
    if not 0 < len(given.statement.strip()) <= 4000:
        raise Refused(Problem("BAD_INPUT", "处置说明应为 1 至 4000 字 the statement must have 1 to 4,000 characters", "", "statement"))
    if not is_plain(given.statement):
        raise Refused(Problem("BAD_INPUT", NOT_PLAIN, "请去除 remove them", "statement"))
    if not _SHA256.match(given.certificate_hash):
        raise Refused(Problem("BAD_INPUT", "应为处置证明的 SHA-256 must be the SHA-256 of the certificate", "64 hex digits", "certificateHash"))
    return {"statement": given.statement.strip(), "certificate_hash": given.certificate_hash, "filed_at": now()}


def _statement() -> Select[Any]:
    columns = (grant.c.application, grant.c.resource, application.c.name.label("application_name"), application.c.department.label("consumer"))
    joined = select(disposal, *columns, application.c.owner).join(grant, grant.c.id == disposal.c.grant)
    return joined.join(application, application.c.client_id == grant.c.application)


def _filtered(statement: Select[Any], wanted: DisposalsWanted) -> Select[Any]:
    if wanted.state is not None:
        statement = statement.where(disposal.c.state == wanted.state)
    if wanted.overdue is not None:
        overdue = (disposal.c.state == "DUE") & (disposal.c.due_on < china_day(now()).isoformat())
        statement = statement.where(overdue if wanted.overdue else ~overdue)
    if wanted.department is not None:
        statement = statement.where(_of_department(wanted.department))
    if wanted.application is not None:
        statement = statement.where(grant.c.application == wanted.application)
    if wanted.seen_by_department is not None or wanted.seen_applications is not None:
        seen = grant.c.application.in_(wanted.seen_applications or ())
        code = wanted.seen_by_department
        statement = statement.where(seen if code is None else or_(seen, _of_department(code)))
    return statement if wanted.after is None else statement.where(disposal.c.grant < wanted.after)


def _of_department(code: str) -> Any:
    return or_(application.c.department == code, grant.c.resource.startswith(f"{code}.", autoescape=True))


def _provider(row: Row[Any]) -> str:
    return str(row.resource.partition(".")[0])


def _shown(row: Row[Any], history: tuple[Step, ...], book: RuleBook, calendar: Calendar) -> DisposalCase:
    due = agreed_due(book, calendar, "disposal", row.ended_at, row.working_days)
    today = china_day(now())
    runs = DISPOSAL.states[row.state].counts
    share = elapsed(calendar, due, today) if runs else None
    return DisposalCase(
        grant=row.grant,
        application=row.application_name,
        resource=row.resource,
        consumer=row.consumer,
        provider=_provider(row),
        state=row.state,
        party=DISPOSAL.party(row.state, {}),
        due_on=due.on,
        rule=due.rule,
        overdue=runs and today > due.on,
        late=row.late,
        elapsed=share,
        reminder=reminder(share),
        statement=row.statement,
        certificate_hash=row.certificate_hash,
        filed_by=row.filed_by,
        confirmed_by=row.confirmed_by,
        history=history,
    )


def _no_disposal(number: str) -> Problem:
    return Problem("NOT_FOUND", f"没有待处置的授权 no grant to be disposed of {number[:80]}", "请核对编号 compare the number", "id")


__all__ = ["DisposalCase", "DisposalGiven", "Disposals", "DisposalsWanted"]
