"""Two hubs on one control database: of two acts at once that exclude each other one is done, and nothing of the other. Lists and sweeps cost few statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from hub.acts import Actor
from hub.catalog.problems import Refused
from hub.clock import clock
from hub.core import Core, open_core
from hub.settings import Settings
from hub.sharing.cases import Wanted
from hub.sharing.tables import access_request, grant, step
from tests.catalog.homes import new_core, publish
from tests.catalog.small import SMALL
from tests.servers.postgres import Postgres
from tests.sharing.sides import CHECKER, DECIDER, GIVER, HEAD, SIGNER, consumer, filed, granted
from tests.store.databases import make_database

Act = Callable[[Core], Any]


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with new_core(tmp_path) as made:
        publish(made, SMALL)
        consumer(made)
        yield made


def done(core: Core, work: Act) -> str:
    """The state after an act, or the code of its refusal."""
    try:
        return str(work(core).state)
    except Refused as refused:
        return refused.problems[0].code


def at_once(first: Core, second: Core, one: Act, other: Act) -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        return [future.result() for future in (pool.submit(done, first, one), pool.submit(done, second, other))]


def act(actor: Actor, name: str, number: str, **given: Any) -> Act:
    return lambda core: core.requests.act(actor, name, number, **given)


def files(core: Core) -> Any:
    """Files one more request."""
    return core.requests.reader.get(filed(core))


def races(first: Core, second: Core) -> None:
    """Endorse and withdraw; two opinions; approve and refuse; both signatures; two requests for the same."""
    number = filed(first)
    found = at_once(first, second, act(HEAD, "endorse", number), act(consumer(first), "withdraw", number))
    assert found in (["CHECKING", "WITHDRAWN"], ["CONFLICT", "WITHDRAWN"])
    assert sorted(at_once(first, second, files, files)) == ["CONFLICT", "FILED"]
    [case] = first.requests.reader.find(Wanted(state="FILED"))
    number = case.id
    first.requests.act(HEAD, "endorse", number)
    first.requests.act(CHECKER, "complete", number)
    found = at_once(first, second, act(GIVER, "agree", number), act(SIGNER, "agree", number))
    assert sorted(found) == ["CONFLICT", "DECIDING"]
    found = at_once(first, second, act(DECIDER, "approve", number), act(CHECKER, "refuse", number, reason="OTHER", opinion="x"))
    assert found in (["APPROVED", "CONFLICT"], ["CONFLICT", "REFUSED"])
    if found[0] == "CONFLICT":
        first.requests.act(HEAD, "dispute", number, opinion="x")
        first.requests.act(GIVER, "settle", number, opinion="x")
        first.requests.act(DECIDER, "approve", number)
    case = first.requests.reader.get(number)
    assert case is not None
    signed = {"hash": case.agreement_hash}
    other = SIGNER if case.by["opinion_by"] == GIVER.name else GIVER
    found = at_once(first, second, act(consumer(first), "signForConsumer", number, **signed), act(other, "signForProvider", number, **signed))
    assert found in (["APPROVED", "GRANTED"], ["GRANTED", "APPROVED"])
    with first.engine.connect() as connection:
        assert [row.request for row in connection.execute(select(grant))] == [number]
        steps = connection.execute(select(step.c.number).where(step.c.subject == number).order_by(step.c.number)).scalars().all()
    assert list(steps) == list(range(len(steps)))


@pytest.mark.slow
def test_two_hubs_on_one_file(core: Core) -> None:
    other = open_core(core.settings)
    races(core, other)
    other.close()


@pytest.mark.slow
def test_two_hubs_on_postgresql(core: Core, postgres: Postgres) -> None:
    settings = Settings(home=core.settings.home, database=make_database(postgres, "at_once"))
    first, second = open_core(settings), open_core(settings)
    publish(first, SMALL)
    consumer(first)
    second.registry.refresh()
    races(first, second)
    first.close()
    second.close()


@contextmanager
def counted(core: Core) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(core.engine, "before_cursor_execute", note)
    yield statements
    event.remove(core.engine, "before_cursor_execute", note)


@pytest.mark.slow
def test_a_list_takes_as_many_statements_for_two_hundred_as_for_one(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a sweep by an unchanged calendar reckons nothing anew."""
    with clock.at(datetime(2026, 2, 9, tzinfo=UTC)):
        number = filed(core)
        with counted(core) as few:
            core.requests.reader.find(Wanted(first=1))
        with core.engine.begin() as connection:
            row = dict(connection.execute(select(access_request).where(access_request.c.id == number)).one()._mapping)
            connection.execute(insert(access_request), [{**row, "id": f"request_x{n:04d}"} for n in range(1000)])
            steps = {"at": row["created_at"], "actor": "a", "step": "file", "opinion": None}
            connection.execute(insert(step), [{**steps, "subject": f"request_x{n:04d}", "number": i} for n in range(1000) for i in range(3)])
        with counted(core) as many:
            found = core.requests.reader.find(Wanted(first=200))
        assert (len(found), len(many)) == (200, len(few))
        assert {len(case.history) for case in found} == {3}
        following = core.requests.reader.find(Wanted(first=200, after=found[-1].id))
        assert [case.id for case in (*found, *following)] == [f"request_x{n:04d}" for n in range(999, 599, -1)]
        reckoned: list[str] = []
        due_of = core.sweep.run.__globals__["due_of"]
        monkeypatch.setattr("hub.sharing.sweep.due_of", lambda *given: reckoned.append(given[2]) or due_of(*given))
        assert core.sweep.run() == 0
        assert len(reckoned) == 1, "one event, one day: reckoned once"
        with counted(core) as statements:
            assert core.sweep.run() == 0
        assert len(reckoned) == 1
        assert len(statements) <= 24
        assert not [each for each in statements if each.startswith(("UPDATE", "INSERT", "DELETE"))]


@pytest.mark.slow
def test_rights_are_read_anew_of_grants_that_changed_alone(core: Core) -> None:
    granted(core)
    core.registry.refresh()
    [before] = core.registry._grants.values()
    core.registry.refresh()
    [after] = core.registry._grants.values()
    assert after is before
    core.sharing.act_on_grant(DECIDER, "revoke", before.row.id)
    core.registry.refresh()
    assert core.registry._grants == {}
