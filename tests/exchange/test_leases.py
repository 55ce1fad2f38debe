"""A job is carried out by one server; another takes over what nobody holds any more, and who lost it can change it no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from hub.core import Core
from hub.exchange.leases import LEASE, Leases
from hub.exchange.store import ExchangeStore, FileRecord
from hub.exchange.tables import exchange
from hub.store.base import now
from tests.catalog.homes import CONSOLE, new_core, publish
from tests.catalog.small import SMALL

pytestmark = pytest.mark.fast
JOB = "exchange_1"
PURPOSE = {"code": "a", "scenario": "b", "basis": "c"}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A hub with one job that waits."""
    with new_core(tmp_path) as made:
        publish(made, SMALL)
        app = made.sharing.create_application(CONSOLE, "loader", "civil_affairs", [PURPOSE], [])
        texts = dict.fromkeys(("idempotency_key", "input_sha256", "document", "variables", "format", "scopes", "plan", "policy"), "")
        with made.engine.begin() as connection:
            more = {"state": "QUEUED", "rows_done": 0, "bytes": 0, "snapshot": 1, "created_at": now()}
            connection.execute(insert(exchange).values(id=JOB, application=app.client_id, **texts, **more))
        yield made


def lapse(core: Core) -> None:
    """The job's server was heard of for the last time long ago."""
    with core.engine.begin() as connection:
        connection.execute(update(exchange).values(held_until=now() - LEASE))


def test_what_a_living_server_holds_is_left_alone(core: Core) -> None:
    first, second = (Leases(core.engine, node, alone=False) for node in ("first", "second"))
    assert second.free() == [JOB]
    assert first.claim(JOB)
    assert not first.claim(JOB)
    assert (second.claim(JOB), second.free()) == (False, [])
    lapse(core)
    first.renew([JOB])
    assert (second.claim(JOB), second.free()) == (False, [])


def test_what_a_dead_server_held_is_taken_over_and_fenced(core: Core) -> None:
    first, second = (Leases(core.engine, node, alone=False) for node in ("first", "second"))
    old, new = ExchangeStore(core.engine, "first"), ExchangeStore(core.engine, "second")
    assert first.claim(JOB)
    assert old.progress(JOB, state="RUNNING")
    lapse(core)
    assert second.free() == [JOB]
    assert second.claim(JOB)
    first.renew([JOB])
    assert not old.progress(JOB, rows_done=5)
    with core.engine.begin() as connection:
        assert not old.finish(connection, JOB, [FileRecord("data.csv", 1, 2, "0" * 64)])
    assert new.progress(JOB, state="RUNNING", rows_done=7)
    with core.engine.begin() as connection:
        assert new.finish(connection, JOB, [FileRecord("data.csv", 7, 70, "1" * 64)])
    job = new.job(JOB)
    assert job is not None
    assert (job.state, job.rows_done, [file.rows for file in job.files]) == ("SUCCEEDED", 7, [7])
    assert not second.claim(JOB)


def test_a_clock_that_was_set_back_keeps_no_job_from_others(core: Core) -> None:
    """A server held it by the clock before, and died: nobody waits until that hour comes again."""
    first, second = (Leases(core.engine, node, alone=False) for node in ("first", "second"))
    assert first.claim(JOB)
    with core.engine.begin() as connection:
        connection.execute(update(exchange).values(held_until=now() + timedelta(hours=1)))
    assert second.free() == [JOB]
    first.renew([JOB])
    assert (second.claim(JOB), second.free()) == (False, []), "whoever lives holds it anew"


def test_a_server_that_ends_leaves_its_jobs_to_others_at_once(core: Core) -> None:
    first, second = (Leases(core.engine, node, alone=False) for node in ("first", "second"))
    assert first.claim(JOB)
    first.release()
    assert second.free() == [JOB]


def test_a_server_alone_with_its_database_waits_for_no_predecessor(core: Core) -> None:
    assert Leases(core.engine, "before", alone=True).claim(JOB)
    after = Leases(core.engine, "after", alone=True)
    assert after.free() == [JOB]
    assert after.claim(JOB)
    assert after.free() == []


def test_a_cancelled_job_cannot_go_on(core: Core) -> None:
    store = ExchangeStore(core.engine, "first")
    assert Leases(core.engine, "first", alone=False).claim(JOB)
    assert ExchangeStore(core.engine, "second").change(JOB, state="CANCELLED")
    assert not store.progress(JOB, rows_done=1)
