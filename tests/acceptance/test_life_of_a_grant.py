"""A whole life of a grant, request to disposal, by the GraphQL API alone, over the Spring Festival of 2026, under each rule set.

Every due date was worked out by hand. The Spring Festival is off from 15 to 23 February 2026, the Saturdays 14 and 28 February are working days;
Qingming is off from 4 to 6 April. The day of an event does not count.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert

from hub.acts import bump
from hub.app import Hub, create_app
from hub.catalog.scopes import AUDIT, SECURITY, STEWARD
from hub.clock import Hand, clock
from hub.core import Core
from hub.people.codes import CONSOLE as CONSOLE_CLIENT
from hub.people.tables import account_role, person
from hub.store.base import now
from tests.catalog.homes import CONSOLE, new_core, publish
from tests.catalog.small import changed

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

ISSUER = "http://127.0.0.1:8000"
PEOPLE = {
    "head": ("housing_bureau", STEWARD),
    "giver": ("civil_affairs", STEWARD),
    "signer": ("civil_affairs", STEWARD),
    "other": ("transport", STEWARD),
    "checker": ("civil_affairs", SECURITY),
    "decider": ("civil_affairs", SECURITY),
    "auditor": ("civil_affairs", AUDIT),
}
CASE = "id state dueOn rule party overdue late elapsed reminder missing extension grant agreement { hash text signedByConsumer signedByProvider }"
FILE = f"mutation ($input: AccessRequestInput!) {{ requestAccess(input: $input) {{ accessRequest {{ {CASE} }} }} }}"
DATA = "{ civilAffairs { persons { nodes { birthDate } } } }"
ASKED = {
    "resource": "civil_affairs.person",
    "operations": ["QUERY"],
    "items": [{"code": "birth_date", "access": "CLEAR"}],
    "rows": {"birth_date": {"lt": "2000-01-01"}},
    "purpose": "公租房资格审核",
    "purposeCode": "rent",
    "scenario": "公租房审核",
    "legalBasis": "公共租赁住房管理办法第七条",
    "validTo": "2026-06-30T00:00:00+08:00",
    "quota": {"per": "DAY", "calls": 100},
    "rate": {"per": "MINUTE", "calls": 3},
    "disposalDays": 10,
}


@dataclass(frozen=True)
class Dates:
    """Due days and their articles under a rule set. ``None``: its rules count no days, and the due day is that of the event."""

    filed: str
    endorsed: str
    extended: str | None
    provision: str | None
    correction: str | None
    articles: tuple[str, str]
    """Of the answer and of the provision."""
    reminders: tuple[int | None, int | None, int | None]
    """On 24 and 27 February and 10 March."""
    breached: bool


N809 = Dates("2026-02-28", "2026-03-02", "2026-03-09", "2026-04-09", "2026-03-02", ("809号）第二十一条", "809号）第二十二条"), (50, 80, 80), True)
FUZHOU = Dates("2026-03-13", "2026-03-16", None, None, None, ("317号）第十七条", "317号）第十七条"), (None, None, 80), False)
SETS = {"n809": N809, "guiyang,n809": N809, "fuzhou,n809": N809, "fuzhou": FUZHOU}


class City:
    """The hub over HTTP, its people and the application ``tenants``."""

    def __init__(self, core: Core, hub: Hub, http: httpx2.AsyncClient, secret: tuple[str, str]) -> None:
        self.core, self.hub, self.http, self.secret = core, hub, http, secret

    async def _post(self, path: str, token: str, document: str, variables: dict[str, Any]) -> httpx2.Response:
        headers = {"authorization": f"Bearer {token}", "accept": "application/graphql-response+json"}
        headers |= {"huitong-purpose": "rent", "huitong-operator": "tester"} if path == "/graphql" else {}
        return await self.http.post(path, json={"query": document, "variables": variables}, headers=headers)

    async def respond(self, document: str, **variables: Any) -> httpx2.Response:
        """What the application is answered."""
        answer = await self.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=self.secret)
        return await self._post("/graphql", answer.json()["access_token"], document, variables)

    async def ask(self, document: str, **variables: Any) -> Any:
        """``data`` for the application."""
        content = (await self.respond(document, **variables)).json()
        assert "errors" not in content, content
        return content["data"]

    async def act(self, field: str, **arguments: Any) -> dict[str, Any]:
        """An act of the application on its own request."""
        given = ", ".join(f"{name}: {_literal(value)}" for name, value in arguments.items())
        found: dict[str, Any] = (await self.ask(f"mutation {{ {field}({given}) {{ accessRequest {{ {CASE} }} }} }}"))[field]["accessRequest"]
        return found

    async def govern(self, name: str, document: str) -> Any:
        """``data`` for a person."""
        token = self.hub._tokens.issue(CONSOLE_CLIENT, [PEOPLE[name][1]], subject=f"person_{name}").token
        content = (await self._post("/governance/graphql", token, document, {})).json()
        assert "errors" not in content, content
        return content["data"]

    async def do(self, name: str, field: str, thing: str = "accessRequest", shown: str = CASE, **arguments: Any) -> dict[str, Any]:
        """An act of a person that has to succeed: the thing."""
        payload = await self.try_(name, field, thing, shown, **arguments)
        assert payload["problems"] == [], payload
        found: dict[str, Any] = payload[thing]
        return found

    async def try_(self, name: str, field: str, thing: str = "accessRequest", shown: str = CASE, **arguments: Any) -> dict[str, Any]:
        """An act of a person with what is wrong with it."""
        given = ", ".join(f"{key}: {_literal(value)}" for key, value in arguments.items())
        document = f"mutation {{ {field}(input: {{{given}}}) {{ {thing} {{ {shown} }} problems {{ code path message hint }} }} }}"
        found: dict[str, Any] = (await self.govern(name, document))[field]
        return found

    async def case(self, number: str) -> dict[str, Any]:
        """The request as the authority's list shows it."""
        rows = (await self.govern("decider", f"{{ accessRequests {{ {CASE} }} }}"))["accessRequests"]
        return next(row for row in rows if row["id"] == number)

    async def rows(self) -> list[str] | str:
        """The data that the application gets, or the code of its refusal."""
        content = (await self.respond(DATA)).json()
        if "errors" in content:
            return str(content["errors"][0]["extensions"]["code"])
        return [row["birthDate"] for row in content["data"]["civilAffairs"]["persons"]["nodes"]]


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_literal(each) for each in value)}]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def _at(hand: Hand, day: str, time: str = "10:00:00") -> None:
    hand.set(datetime.fromisoformat(f"{day}T{time}+08:00"))


def _fill(core: Core, directory: Path) -> tuple[str, str]:
    with sqlite3.connect(directory / "register.db") as register:
        register.execute("CREATE TABLE person (pk INTEGER PRIMARY KEY, id TEXT, born TEXT)")
        register.executemany("INSERT INTO person (id, born) VALUES (?, ?)", [("a", "1990-05-01"), ("b", "2010-05-01")])
    register.close()
    publish(core, changed("postgresql+asyncpg://reader@db.example:5432/register", f"sqlite+aiosqlite:///{directory / 'register.db'}"))
    core.catalog.create_department(CONSOLE, code="housing_bureau", name="市住建局", uscc="11520100009395416E")
    core.catalog.create_department(CONSOLE, code="transport", name="市交通局", uscc="11520100009392151C")
    purposes = [{"code": "duty", "scenario": "履职", "basis": "三定方案"}]
    made = core.sharing.create_application(CONSOLE, "tenants", "housing_bureau", purposes, [])
    moment = now()
    with core.engine.begin() as connection:
        for name, (department, role) in PEOPLE.items():
            values = {"id": f"person_{name}", "name": name, "display_name": name, "department": department, "state": "ACTIVE", "created_by": "a"}
            connection.execute(insert(person).values(**values, approved_by="b", created_at=moment))
            connection.execute(insert(account_role).values(account=f"person_{name}", role=role, given_by="b", given_at=moment))
        bump(connection, "rights")
    core.registry.refresh()
    return made.client_id, made.client_secret


@asynccontextmanager
async def city(directory: Path, sets: str, **settings: Any) -> AsyncIterator[City]:
    with new_core(directory, rule_sets=sets.split(","), **settings) as core:
        secret = _fill(core, directory)
        hub = create_app(core)
        async with hub._rest.router.lifespan_context(hub._rest), httpx2.AsyncClient(transport=httpx2.ASGITransport(app=hub), base_url=ISSUER) as http:
            yield City(core, hub, http, secret)


async def filed_and_endorsed(city: City, hand: Hand, dates: Dates) -> str:
    """From filing to the complete papers: 9 to 13 February."""
    filed = (await city.ask(FILE, input=ASKED))["requestAccess"]["accessRequest"]
    assert (filed["state"], filed["dueOn"], filed["party"], filed["elapsed"]) == ("FILED", dates.filed, "consumer", None)
    assert dates.articles[0] in filed["rule"]
    number: str = filed["id"]
    assert (await city.try_("other", "endorseRequest", id=number))["problems"][0]["code"] == "NOT_FOUND", "another department's steward"
    for name, seen in (("other", False), ("head", True), ("giver", True), ("auditor", True)):
        found = await city.govern(name, f'{{ accessRequest(id: "{number}") {{ id }} accessRequests {{ id }} }}')
        assert (found["accessRequest"] is not None, number in [row["id"] for row in found["accessRequests"]]) == (seen, seen), name
    _at(hand, "2026-02-10")
    endorsed = await city.do("head", "endorseRequest", id=number)
    assert (endorsed["state"], endorsed["dueOn"]) == ("CHECKING", dates.endorsed)
    report = 'mutation { reportError(input: {resource: "civil_affairs.person", description: "有误"}) { feedback { dueOn rule } } }'
    assert (await city.ask(report))["reportError"]["feedback"]["dueOn"] == (dates.correction or "2026-02-10")
    _at(hand, "2026-02-11")
    noticed = await city.do("checker", "checkRequest", id=number, complete=False, missing=["使用依据的文号", "安全保障说明"])
    assert (noticed["state"], noticed["party"], noticed["missing"]) == ("INCOMPLETE", "consumer", ["使用依据的文号", "安全保障说明"])
    refusal = await city.try_("checker", "reviewRequest", id=number, approve=False, reason="OTHER", opinion="材料不全")
    assert refusal["problems"][0]["code"] == "CONFLICT", "no refusal for missing papers (N809-21)"
    _at(hand, "2026-02-12")
    supplement = f'mutation {{ supplementRequest(input: {{id: "{number}", legalBasis: "建保〔2012〕11号"}}) {{ accessRequest {{ {CASE} }} }} }}'
    assert (await city.ask(supplement))["supplementRequest"]["accessRequest"]["state"] == "CHECKING"
    _at(hand, "2026-02-13")
    again = await city.try_("checker", "checkRequest", id=number, complete=False, missing=["另一份材料"])
    assert again["problems"][0]["code"] == "CONFLICT", "one notice only (N809-21)"
    complete = await city.do("checker", "checkRequest", id=number, complete=True)
    assert (complete["state"], complete["dueOn"], complete["party"]) == ("ASSESSING", dates.endorsed, "provider")
    return number


async def opinion_and_decision(city: City, hand: Hand, number: str, dates: Dates) -> str:
    """Over the festival to the approval on 11 March; the agreement's hash."""
    shown = []
    for day in ("2026-02-24", "2026-02-27"):
        _at(hand, day)
        shown.append((await city.case(number))["reminder"])
    asked = await city.try_("giver", "requestExtension", id=number, opinion="需要核实历史数据")
    _at(hand, "2026-02-28")
    if dates.extended is None:
        assert asked["problems"][0]["code"] == "BAD_INPUT", "no rule in force allows an extension"
    else:
        assert asked["accessRequest"]["extension"] == "ASKED"
        assert (await city.try_("decider", "decideExtension", id=number, allow=True, days=11))["problems"][0]["path"] == "days"
        allowed = await city.do("decider", "decideExtension", id=number, allow=True, days=5)
        assert (allowed["extension"], allowed["dueOn"]) == ("ALLOWED", dates.extended)
    _at(hand, "2026-03-09", "23:59:59")
    assert (await city.case(number))["overdue"] is False
    _at(hand, "2026-03-10")
    late = await city.case(number)
    assert (late["overdue"], late["late"]) == (dates.breached, "provider" if dates.breached else None)
    assert [*shown, late["reminder"]] == list(dates.reminders)
    overdue = (await city.govern("auditor", "{ accessRequests(overdue: true) { id } }"))["accessRequests"]
    assert bool(overdue) is dates.breached
    assert await city.rows() == "INVALID_DOCUMENT", "nothing is there before the grant"
    assert (await city.do("giver", "giveOpinion", id=number, agree=True))["state"] == "DECIDING"
    assert (await city.case(number))["late"] == late["late"]
    _at(hand, "2026-03-11")
    approved = await city.do("decider", "reviewRequest", id=number, approve=True)
    assert (approved["state"], approved["dueOn"]) == ("APPROVED", dates.provision or "2026-03-11")
    assert dates.articles[1] in approved["rule"]
    assert approved["overdue"] is False
    return str(approved["agreement"]["hash"])


async def signed(city: City, hand: Hand, number: str, named: str) -> str:
    """Both sign on 12 March; the number of the grant."""
    _at(hand, "2026-03-12")
    wrong = await city.try_("signer", "signAgreement", id=number, hash="0" * 64)
    assert wrong["problems"][0]["path"] == "hash"
    assert (await city.do("signer", "signAgreement", id=number, hash=named))["party"] == "consumer"
    assert await city.rows() == "INVALID_DOCUMENT", "one signature is none"
    grant = (await city.act("signAgreement", id=number, hash=named))["grant"]
    record = (await city.govern("decider", "{ grants { id terms request agreementHash approver } }"))["grants"][0]
    assert (record["id"], record["request"], record["agreementHash"], record["approver"]) == (grant, number, named, "decider")
    text = (await city.case(number))["agreement"]["text"]
    assert '"rate":{"calls":3,"per":"MINUTE","rows":null}' in text
    assert "建保〔2012〕11号" in text, "what was supplemented is what was agreed"
    return str(grant)


async def in_force(city: City, hand: Hand, grant: str) -> None:
    """Data come exactly while the grant is active, as fast as the rate allows."""
    assert await city.rows() == ["1990-05-01"], "the rows of the agreement alone"
    for _ in range(2):
        await city.respond(DATA)
    limited = await city.respond(DATA)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "60")
    assert limited.json()["errors"][0]["extensions"] | {"call": ""} | {"hint": ""} | {"messageEn": ""} | {"hintEn": ""} == {
        "code": "RATE_LIMITED", "origin": "CLIENT", "retryable": True, "call": "", "hint": "", "messageEn": "", "hintEn": "", "retryAfter": 60,
    }  # fmt: skip
    hand.forward(minutes=1)
    for field, arguments, state, data in (
        (
            "suspendGrant",
            {"reason": "SCOPE_EXCEEDED" if "n809" in city.core.settings.rule_sets else "OTHER", "opinion": "超范围"},
            "SUSPENDED",
            "INVALID_DOCUMENT",
        ),
        ("resumeGrant", {}, "ACTIVE", ["1990-05-01"]),
    ):
        done = await city.do("checker", field, "grant", "state", id=grant, **arguments)
        assert (done["state"], await city.rows()) == (state, data)


async def ended_and_disposed(city: City, hand: Hand, grant: str) -> None:
    """The term ends by itself; the proof of disposal is due ten working days later, on 14 July."""
    _at(hand, "2026-06-29", "23:59:59")
    assert await city.rows() == ["1990-05-01"]
    _at(hand, "2026-06-30", "00:00:00")
    assert await city.rows() == "INVALID_DOCUMENT", "whether or not anybody swept"
    assert (await city.govern("auditor", "{ grants { state } }"))["grants"] == [{"state": "EXPIRED"}]
    disposal = "grant state dueOn rule overdue late party"
    [due] = (await city.ask(f"{{ disposals {{ {disposal} }} }}"))["disposals"]
    assert (due["grant"], due["state"], due["dueOn"], due["party"]) == (grant, "DUE", "2026-07-14", "consumer")
    assert "约定10个工作日" in due["rule"]
    _at(hand, "2026-07-15")
    [late] = (await city.govern("decider", f"{{ disposals(overdue: true) {{ {disposal} }} }}"))["disposals"]
    assert (late["overdue"], late["late"]) == (True, "consumer")
    assert (await city.govern("other", "{ disposals { grant } }"))["disposals"] == [], "not another department's"
    proof = f'{{grant: "{grant}", statement: "已删除数据及备份", certificateHash: "{"a" * 64}"}}'
    filed = (await city.ask(f"mutation {{ fileDisposal(input: {proof}) {{ disposal {{ state }} }} }}"))["fileDisposal"]
    assert filed["disposal"]["state"] == "FILED"
    done = await city.do("giver", "confirmDisposal", "disposal", "state history { actor step }", grant=grant)
    assert done["state"] == "CONFIRMED"
    assert [(each["actor"], each["step"]) for each in done["history"]][-2:] == [("tenants", "fileDisposal"), ("giver", "confirmDisposal")]


@pytest.mark.parametrize("sets", SETS)
async def test_a_whole_life(tmp_path: Path, sets: str) -> None:
    dates = SETS[sets]
    with clock.at(datetime.fromisoformat("2026-02-09T10:00:00+08:00")) as hand:
        async with city(tmp_path, sets) as there:
            number = await filed_and_endorsed(there, hand, dates)
            named = await opinion_and_decision(there, hand, number, dates)
            grant = await signed(there, hand, number, named)
            await in_force(there, hand, grant)
            await ended_and_disposed(there, hand, grant)
            history = (await there.ask(f'{{ accessRequest(id: "{number}") {{ history {{ actor step }} }} }}'))["accessRequest"]["history"]
            steps = [(each["actor"], each["step"]) for each in history]
            assert steps[:3] == [("tenants", "file"), ("head", "endorse"), ("checker", "notice")]
            assert steps[-3:] == [("decider", "approve"), ("signer", "signForProvider"), ("tenants", "signForConsumer")]
            assert (("平台 hub", "breach") in steps) is dates.breached


async def test_a_city_may_forbid_grants_on_paper(tmp_path: Path) -> None:
    with clock.at(datetime.fromisoformat("2026-02-09T10:00:00+08:00")):
        async with city(tmp_path, "n809", recorded_grants="refused") as there:
            purposes = '[{code: "p", scenario: "s", basis: "b"}]'
            given = f'{{application: "tenants", resource: "civil_affairs.person", operations: [QUERY], items: [], purposes: {purposes}, approver: "局长"}}'
            answer = await there.govern("decider", f"mutation {{ createGrant(input: {given}) {{ grant {{ id }} problems {{ code message }} }} }}")
            assert answer["createGrant"]["problems"][0]["code"] == "FORBIDDEN"
            registered = (await there.govern("auditor", "{ accessRequests { resource origin state rule dueOn } }"))["accessRequests"]
            [found] = registered
            assert (found["resource"], found["origin"], found["state"]) == ("unconditional", "REGISTERED", "GRANTED")
            assert (found["dueOn"], "第二十一条" in found["rule"]) == ("2026-02-10", True)
