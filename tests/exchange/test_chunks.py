"""Chunks in the control database: as many at once as the source bears, over all servers; whoever lost a chunk changes nothing (G2)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from hub.core import Core
from hub.exchange.chunks import Chunk, ChunkStore, NewChunk
from hub.exchange.leases import LEASE, Leases
from hub.exchange.sealing import Seals, Tampered
from hub.exchange.stops import Lost, Stopped
from hub.exchange.store import ExchangeStore, Job
from hub.exchange.tables import exchange
from hub.exchange.work.task import ChunkReceipt
from hub.store.base import now
from tests.exchange.test_leases import JOB, core

__all__ = ["core"]
pytestmark = pytest.mark.fast
RECEIPT = ChunkReceipt(10, 100, "0" * 64, accessed={"a.b": 10})
OTHER = "exchange_2"


def new(count: int, source: str = "a.db") -> list[NewChunk]:
    return [NewChunk(number, source, f"data-{number:05}.csv", b"sealed") for number in range(1, count + 1)]


def job(core: Core, name: str = JOB) -> Job:
    found = ExchangeStore(core.engine, "any").job(name)
    assert found is not None
    return found


def nothing(_: object) -> None:
    """Counts nothing."""


@pytest.fixture
def two(core: Core) -> tuple[ChunkStore, ChunkStore]:
    """Two servers, each with a job of three chunks of one source."""
    with core.engine.begin() as connection:
        mine = connection.execute(exchange.select()).one()._asdict()
        connection.execute(insert(exchange).values(**{**mine, "id": OTHER, "idempotency_key": "other"}))
    stores = []
    for node, name in (("first", JOB), ("second", OTHER)):
        assert Leases(core.engine, node, alone=False).claim(name)
        store = ChunkStore(core.engine, node)
        store.plan(name, new(3))
        stores.append(store)
    return stores[0], stores[1]


def test_servers_share_the_sessions_of_a_source(core: Core, two: tuple[ChunkStore, ChunkStore]) -> None:
    first, second = two
    mine, other = job(core), job(core, OTHER)
    begun = first.claim(mine, "a.db", 2)
    assert begun is not None
    assert (begun.number, begun.attempt, begun.state) == (1, 1, "RUNNING")
    its = second.claim(other, "a.db", 2)
    assert its is not None
    assert (first.claim(mine, "a.db", 2), second.claim(other, "a.db", 2)) == (None, None)
    first.done(JOB, begun, RECEIPT, None, None, nothing)
    following = second.claim(other, "a.db", 2)
    assert following is not None
    assert following.number == 2
    second.put_back(OTHER, its, "TIMEOUT")
    again = first.claim(mine, "a.db", 2)
    assert again is not None
    assert again.number == 2


def test_what_a_dead_server_was_at_holds_no_session(core: Core, two: tuple[ChunkStore, ChunkStore]) -> None:
    first, second = two
    assert first.claim(job(core), "a.db", 1)
    assert second.claim(job(core, OTHER), "a.db", 1) is None
    with core.engine.begin() as connection:
        connection.execute(update(exchange).where(exchange.c.id == JOB).values(held_until=now() - LEASE))
    assert second.claim(job(core, OTHER), "a.db", 1)


def test_a_server_that_lost_the_job_has_nothing_accepted(core: Core, two: tuple[ChunkStore, ChunkStore]) -> None:
    first, second = two
    begun = first.claim(job(core), "a.db", 2)
    assert begun is not None
    with core.engine.begin() as connection:
        connection.execute(update(exchange).where(exchange.c.id == JOB).values(held_until=now() - timedelta(hours=1)))
    assert Leases(core.engine, "second", alone=False).claim(JOB)
    second.begin_anew(JOB)
    taken = second.claim(job(core), "a.db", 2)
    assert taken is not None
    assert (taken.number, taken.attempt) == (1, 2)
    for act in (lambda: first.done(JOB, begun, RECEIPT, None, None, nothing), lambda: first.claim(job(core), "a.db", 9), lambda: first.begin_anew(JOB)):
        with pytest.raises(Lost):
            act()
    first.put_back(JOB, begun, "TIMEOUT")
    assert first.of(JOB)[0].state == "RUNNING"
    second.done(JOB, taken, RECEIPT, None, None, nothing)
    assert second.of(JOB)[0].state == "DONE"


def test_a_chunk_is_accepted_once_with_what_belongs_to_it(core: Core, two: tuple[ChunkStore, ChunkStore]) -> None:
    first, _ = two
    begun = first.claim(job(core), "a.db", 2)
    assert begun is not None

    def refuse(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        first.done(JOB, begun, RECEIPT, None, NewChunk(4, "a.db", "data-00004.csv", b""), refuse)
    assert [chunk.state for chunk in first.of(JOB)] == ["RUNNING", "PENDING", "PENDING"]
    first.done(JOB, begun, RECEIPT, b"last", NewChunk(4, "a.db", "data-00004.csv", b""), nothing)
    done: Chunk = first.of(JOB)[0]
    assert (done.state, done.rows, done.bytes, done.accessed) == ("DONE", 10, 100, {"a.b": 10})
    assert len(first.of(JOB)) == 4
    with pytest.raises(Lost):
        first.done(JOB, begun, RECEIPT, None, None, nothing)


def test_no_chunk_begins_once_what_is_exchanged_was_changed(core: Core, two: tuple[ChunkStore, ChunkStore]) -> None:
    first, _ = two
    mine = job(core)
    for column in ("document", "variables", "plan", "policy", "format", "encoding", "scopes", "input_sha256"):
        with core.engine.begin() as connection:
            connection.execute(update(exchange).where(exchange.c.id == JOB).values({column: "other"}))
        with pytest.raises(Stopped, match="CONFLICT"):
            first.claim(mine, "a.db", 9)
        with core.engine.begin() as connection:
            kept = " ".join(sorted(mine.scopes)) if column == "scopes" else getattr(mine, column)
            connection.execute(update(exchange).where(exchange.c.id == JOB).values({column: kept}))
    assert first.claim(mine, "a.db", 9)


def test_a_chunk_that_rests_is_left_alone(core: Core, two: tuple[ChunkStore, ChunkStore]) -> None:
    first, _ = two
    begun = first.claim(job(core), "a.db", 9, {1, 2})
    assert begun is not None
    assert begun.number == 3
    assert first.claim(job(core), "a.db", 9, {1, 2}) is None


def test_what_is_sealed_opens_where_it_belongs_and_tells_nothing() -> None:
    seals, binding = Seals(b"k" * 64), ["exchange_1", 3, "plan", "input"]
    part = {"above": "520102199001011237", "upto": None}
    sealed = seals.seal(binding, part)
    assert seals.open(binding, sealed) == part
    assert b"520102" not in sealed
    assert len(sealed) == len(seals.seal(binding, {"above": "5", "upto": "6"}))
    for other in (
        ["exchange_2", 3, "plan", "input"],
        ["exchange_1", 4, "plan", "input"],
        ["exchange_1", 3, "nalp", "input"],
        ["exchange_1", 3, "plan", "tupni"],
    ):
        with pytest.raises(Tampered):
            seals.open(other, sealed)
    with pytest.raises(Tampered):
        Seals(b"l" * 64).open(binding, sealed)
    with pytest.raises(Tampered):
        seals.open(binding, sealed[:-1])
