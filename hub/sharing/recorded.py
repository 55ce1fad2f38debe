"""Requests that nobody has to decide in the hub: unconditional access, given with an application's registration, and decisions on paper."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from hub.acts import CLI, Actor, make_id
from hub.catalog.problems import Problem, Refused
from hub.names import as_written
from hub.people.tables import person
from hub.sharing.calendar_service import read_calendar
from hub.sharing.due import due_of
from hub.sharing.filing import DISPOSAL_DAYS
from hub.sharing.live_grants import NewGrant, live_grant, store_grant
from hub.sharing.rules import RuleBook
from hub.sharing.steps import add_step
from hub.sharing.tables import access_request
from hub.sharing.texts import MOST_APPROVER, NOT_PLAIN, is_plain
from hub.store.base import now

UNCONDITIONAL = "unconditional"
"""Stands for a resource's code in the request that gives all unconditional resources."""


def record_registration(connection: Connection, book: RuleBook, client_id: str, department: str, purposes: list[dict[str, str]], actor: Actor) -> str:
    """Unconditional access is answered with the registration itself (N809-14, 21): approved, and a request all the same. Its number."""
    number = make_id("request")
    case = {"application": client_id, "consumer": department, "provider": department, "resource": UNCONDITIONAL, "origin": "REGISTERED"}
    _insert(connection, book, number, case, {"purposes": purposes}, "answer_unconditional", client_id, actor.name)
    add_step(connection, number, actor.name, "register", "无条件共享：登记即同意 unconditional: approved with the registration")
    return number


def record_grant(
    connection: Connection, book: RuleBook, app: Row[Any], resource: str, terms: Mapping[str, Any], given: Mapping[str, Any], actor: Actor, begins: datetime
) -> str:
    """A grant that was decided on paper, with the request it stands for. The number of the grant.

    Raises:
        Refused: the approver named is whoever records it, or there is a live grant already.
    """
    approver = str(given["approver"]).strip()
    if len(approver) > MOST_APPROVER:
        raise Refused(Problem("BAD_INPUT", f"至多 {MOST_APPROVER} 字 {MOST_APPROVER} characters at most", "", "approver"))
    if not is_plain(approver):
        raise Refused(Problem("BAD_INPUT", NOT_PLAIN, "请去除 remove them", "approver"))
    if as_written(approver) in map(as_written, _names_of(connection, actor)):
        hint = "请填写实际批准人员 name who approved it"
        raise Refused(Problem("FOUR_EYES", "批准人员不得为登记人本人 who records a decision is not who made it", hint, "approver"))
    if live_grant(connection, app.client_id, resource):
        raise Refused(Problem("CONFLICT", f"{app.name} 对 {resource} 已有有效授权 has a live grant already", "请先撤销 revoke it first", "resource"))
    request, number, agreement = make_id("request"), make_id("grant"), given.get("agreement_hash")
    provider = resource.partition(".")[0]
    case = {"application": app.client_id, "consumer": app.department, "provider": provider, "resource": resource, "origin": "RECORDED"}
    stored = {"grant": terms, "disposal_days": DISPOSAL_DAYS}
    _insert(connection, book, request, {**case, "grant": number, "agreement_hash": agreement}, stored, "answer_conditional", app.client_id, approver)
    add_step(connection, request, actor.name, "record", f"批准人员 approver: {approver}")
    made = NewGrant(number, app.client_id, resource, terms, begins, given.get("valid_to"), approver, request, agreement)
    store_grant(connection, made, actor.name)
    return number


def _names_of(connection: Connection, actor: Actor) -> Iterator[str]:
    """What whoever acts is called, as an account and as a person."""
    name = actor.name.removeprefix(CLI)
    yield name
    yield from connection.execute(select(person.c.display_name).where(person.c.name == name)).scalars()


def _insert(
    connection: Connection, book: RuleBook, number: str, case: Mapping[str, Any], terms: Mapping[str, Any], code: str, filed_by: str, decided_by: str
) -> None:
    moment = now()
    due = due_of(book, read_calendar(connection), code, moment)
    people = {"filed_by": filed_by, "decided_by": decided_by}
    term = {"answer": code, "term": code, "term_at": moment, "due_on": due.on.isoformat(), "rule": due.rule}
    text = json.dumps(terms, ensure_ascii=False, sort_keys=True)
    connection.execute(insert(access_request).values(id=number, **case, **people, **term, terms=text, state="GRANTED", created_at=moment, changed_at=moment))
