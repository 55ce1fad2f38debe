"""The same ledger on PostgreSQL: batches, undone work, several processes and publishers, proofs, verification, and a server that hangs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, event, insert, select, text, update

from hub.ledger import tables
from hub.ledger.append import OVERTAKEN, Ledger
from hub.ledger.checkpoint import open_checkpoint
from hub.ledger.entry import Access
from hub.ledger.errors import KeyMissing, LedgerUnavailable
from hub.ledger.following import NewEntry, entries_between, new_entries
from hub.ledger.history import LedgerKey, read_history
from hub.ledger.merkle import verify_consistency
from hub.ledger.proofs import consistency, inclusion, latest_checkpoint, verify_proof
from hub.ledger.publish import Publisher
from hub.ledger.reading import CallFilter, calls
from hub.ledger.receipt import Receipt
from hub.ledger.report import Report
from hub.ledger.ring import KeyRing
from hub.ledger.rotation import By, rotate
from hub.ledger.service import LedgerService
from hub.ledger.storing import store_behind
from hub.ledger.verify import verify
from hub.store.engine import open_engine, reading
from tests.hardening.test_locked import wait_for
from tests.ledger.build import LOG, make_draft, open_service
from tests.ledger.crash import start
from tests.servers.faults import Mode, fault_proxy
from tests.servers.postgres import Postgres
from tests.store.databases import make_database

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
_numbers = itertools.count()
acts = Table("test_act", MetaData(), Column("id", Integer, primary_key=True, autoincrement=False))


@pytest.fixture
def home(postgres: Postgres, tmp_path: Path) -> Path:
    """A directory whose ledger is in a PostgreSQL database of its own."""
    (tmp_path / "control.url").write_text(make_database(postgres, f"ledger_{next(_numbers)}"))
    return tmp_path


@pytest.fixture
def service(home: Path) -> Iterator[LedgerService]:
    made = open_service(home)
    yield made
    made.engine.dispose()


def check(service: LedgerService, receipts: list[Receipt] | None = None) -> Report:
    with reading(service.engine, patience=0) as connection:
        return verify(connection, [service.verifier_key], receipts=receipts or [])


async def test_batches_and_undone_work(service: LedgerService) -> None:
    acts.create(service.engine)
    await service.ledger.start()

    def doing(connection: Connection) -> None:
        connection.execute(insert(acts).values(id=1))

    def failing(connection: Connection) -> None:
        connection.execute(insert(acts).values(id=99))
        raise PermissionError("the grant has ended")

    first = await asyncio.gather(
        service.ledger.append_with(make_draft("a1", kind="admin"), doing),
        service.ledger.append_with(make_draft("bad", kind="admin"), failing),
        service.ledger.append_with(make_draft("again", kind="admin"), doing),
        service.ledger.append(make_draft("call", accesses=(Access("a.b", "a", "a.db"), Access("c.d", "c", "c.db")))),
        return_exceptions=True,
    )
    assert [type(result).__name__ for result in first] == ["Receipt", "PermissionError", "IntegrityError", "Receipt"]
    receipts = await asyncio.gather(*(service.ledger.append(make_draft(f"c{number}")) for number in range(300)))
    await service.ledger.close()
    report = check(service, receipts)
    assert (report.findings, report.entries, report.receipts) == ([], 302, 300)
    assert report.batches < 50
    with service.engine.connect() as connection:
        assert connection.execute(select(acts.c.id)).scalars().all() == [1]
        assert [entry.content.call for entry in calls(connection, CallFilter(resource="c.d"), 10)] == ["call"]


async def test_a_commit_is_one_exchange_until_somebody_else_writes(service: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    swift: list[bool] = []

    def counted(*arguments: Any) -> bool:
        swift.append(store_behind(*arguments))
        return swift[-1]

    monkeypatch.setattr("hub.ledger.batch.store_behind", counted)
    other = Ledger(service.engine, service.signer)
    await asyncio.gather(service.ledger.start(), other.start())
    receipts = [await service.ledger.append(make_draft(f"a{number}")) for number in range(4)]
    assert swift == [True, True, True]
    receipts += [await other.append(make_draft("b")), await service.ledger.append(make_draft("c"))]
    assert swift == [True, True, True, False]
    receipts += [await service.ledger.append(make_draft(f"d{number}", accesses=())) for number in range(OVERTAKEN + 2)]
    assert swift[4:] == [True] * 3
    receipts += [service.ledger.append_sync(make_draft("sync"))]
    receipts += await asyncio.gather(*(ledger.append(make_draft(f"e{number}")) for number in range(20) for ledger in (service.ledger, other)))
    await asyncio.gather(service.ledger.close(), other.close())
    assert [receipt.entry for receipt in receipts[: 7 + OVERTAKEN + 2]] == list(range(7 + OVERTAKEN + 2))
    assert check(service, receipts).findings == []


def test_proofs_and_tampering(service: LedgerService) -> None:
    for number in range(5):
        service.ledger.append_sync(make_draft(f"c{number}"))
    service.publisher.publish_all()
    receipt = service.ledger.append_sync(make_draft("c5"))
    service.publisher.publish_all()
    with reading(service.engine) as connection:
        proof, path, note = inclusion(connection, 5), consistency(connection, 5, 6), latest_checkpoint(connection)
        notes = connection.execute(select(tables.checkpoint.c.note).order_by(tables.checkpoint.c.size)).scalars().all()
    assert proof is not None
    assert proof.checkpoint == note == notes[-1]
    assert verify_proof(proof, receipt.leaf, [service.verifier_key])
    old, new = (open_checkpoint(each, [service.verifier_key]).root for each in notes)
    assert path is not None
    assert verify_consistency(5, 6, old, new, path)
    assert check(service).ok
    with service.engine.begin() as connection:
        connection.execute(update(tables.entry).where(tables.entry.c.seq == 3).values(outcome="REFUSED"))
    report = check(service)
    assert not report.ok
    assert report.first == 3


def test_two_processes_append_and_two_publishers_publish_while_the_key_changes(service: LedgerService, home: Path) -> None:
    children = [start(home, "60"), start(home, "60")]
    publishers = [Publisher(service.engine, service.ring, interval=0.01) for _ in range(2)]
    for publisher in publishers:
        publisher.start()
    for number in range(40):
        service.ledger.append_sync(make_draft(f"own-{number}"))
        if number % 10 == 9:
            rotate(service.engine, KeyRing(home / "keys", LOG), By("cli:test", "cli:test", f"key-{number}"), lost=number == 19)
    service.ledger.append_sync(make_draft("last"))
    assert [child.wait(timeout=120) for child in children] == [0, 0]
    for publisher in publishers:
        publisher.close()
    assert [publisher.fault for publisher in publishers] == [None, None]
    report = check(service)
    assert report.findings == []
    assert report.entries == report.published == 165
    with service.engine.connect() as connection:
        line = read_history(connection)
        used = set(connection.execute(select(tables.batch.c.key)).scalars())
    assert len(line) == 5
    assert used == {key.verifier.key_id for key in line}


def test_a_publisher_that_comes_second_goes_on_without_a_fault(service: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.ledger.append_sync(make_draft("a"))
    slow, fast = Publisher(service.engine, service.signer), service.publisher
    grow = slow._grow

    def overtaken(connection: Connection, line: Sequence[LedgerKey]) -> object:
        grown = grow(connection, line)
        assert fast.publish() is not None
        return grown

    monkeypatch.setattr(slow, "_grow", overtaken)
    assert slow.publish() is None
    monkeypatch.undo()
    service.ledger.append_sync(make_draft("b"))
    made = slow.publish()
    assert made is not None
    assert made.size == 2
    assert check(service).ok


def test_a_home_with_other_keys_does_not_write(service: LedgerService, home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    service.ledger.append_sync(make_draft())
    with pytest.raises(KeyMissing, match="copy keys/"):
        LedgerService.assemble(service.engine, tmp_path_factory.mktemp("other") / "keys", LOG)
    assert check(service).entries == 1


async def test_a_lock_of_somebody_else_refuses_and_ends(service: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ledger.append.PATIENCE_MS", 100)
    monkeypatch.setattr("hub.ledger.append.PROBE_SECONDS", 0.05)
    await service.ledger.start()
    with service.engine.connect() as other, other.begin():
        other.execute(select(tables.head).with_for_update())
        results = await asyncio.gather(*(service.ledger.append(make_draft(f"c{number}")) for number in range(8)), return_exceptions=True)
        assert {type(result) for result in results} == {LedgerUnavailable}
        assert service.ledger.failing
    await asyncio.to_thread(wait_for, lambda: not service.ledger.failing)
    assert (await service.ledger.append(make_draft("after"))).entry == 0
    await service.ledger.close()
    assert check(service).ok


async def test_a_server_that_hangs_or_is_gone_refuses_and_all_is_well_again(postgres: Postgres, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ledger.append.PATIENCE_MS", 200)
    monkeypatch.setattr("hub.store.postgres.GRACE_SECONDS", 0.2)
    monkeypatch.setattr("hub.store.postgres.CONNECT_SECONDS", 2)
    monkeypatch.setattr("hub.store.postgres.BoundedConnection.seconds", 0.3)
    named = home / "control.url"
    with fault_proxy(postgres.host, postgres.port) as proxy:
        named.write_text(named.read_text().replace(f":{postgres.port}/", f":{proxy.port}/"))
        service = open_service(home)
        await service.ledger.start()
        acknowledged = [await service.ledger.append(make_draft("before"))]
        for mode in (Mode.HANG, Mode.DEAD, Mode.RESET):
            proxy.switch(mode)
            with pytest.raises(LedgerUnavailable, match="control database"):
                await service.ledger.append(make_draft(f"in {mode.value}"))
            proxy.switch(Mode.PASS)
            await asyncio.to_thread(wait_for, lambda: not service.ledger.failing)
            acknowledged.append(await service.ledger.append(make_draft(f"after {mode.value}")))
        await service.ledger.close()
        report = check(service, acknowledged)
        assert (report.findings, report.receipts) == ([], 4)
        service.engine.dispose()


def test_a_statement_without_end_and_an_idle_transaction_are_ended_by_the_server(postgres: Postgres) -> None:
    engine = open_engine(make_database(postgres, f"ledger_{next(_numbers)}"))
    shown = text("SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')")
    for patience, limits in ((None, ("10s", "10s", "30s")), (200, ("200ms", "200ms", "30s")), (0, ("0", "0", "0"))):
        options = {} if patience is None else {"patience": patience}
        with engine.connect().execution_options(**options) as connection:
            assert tuple(connection.execute(shown).one()) == limits
    with engine.connect() as connection:
        assert tuple(connection.execute(shown).one()) == ("10s", "10s", "30s")
    engine.dispose()


def test_who_takes_entries_slowly_asks_now_and_then(service: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that asks nothing is ended by the server (``hub.store.postgres.IDLE_SECONDS``), and its reader would never come to its end."""
    monkeypatch.setattr("hub.ledger.following.AT_ONCE", 4)
    for number in range(10):
        service.ledger.append_sync(make_draft(f"c{number}"))
    asked, seen = 0, []

    def note(*_: Any) -> None:
        nonlocal asked
        asked += 1

    with reading(service.engine) as connection:
        event.listen(connection, "before_cursor_execute", note)
        for seq, _ in entries_between(connection, 0, 9, 100):
            seen.append((seq, asked))
    assert seen == [(seq, 1 + seq // 4) for seq in range(9)]


def test_a_checkpoint_ends_where_the_log_did_when_it_began(service: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each statement sees what was committed before it: of a busy log there would be a few more entries behind each piece."""
    monkeypatch.setattr("hub.ledger.publish.STEP", 40)
    monkeypatch.setattr("hub.ledger.publish.AT_ONCE", 4)

    def fill(count: int) -> None:
        for number in range(count):
            service.ledger.append_sync(make_draft(f"c{number}"))

    def beside_callers(*asked: Any) -> list[NewEntry]:
        found = new_entries(*asked)
        fill(1)
        return found

    fill(10)
    monkeypatch.setattr("hub.ledger.publish.new_entries", beside_callers)
    made = service.publisher.publish()
    assert made is not None
    assert made.size == 10
