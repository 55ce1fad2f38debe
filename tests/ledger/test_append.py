"""Group commit: what is acknowledged is stored, what cannot be stored is refused, and one bad act touches no other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, event, insert, select, text

from hub.ledger import tables
from hub.ledger.append import CROWD, MOST_GATHERED, OVERTAKEN, Ledger
from hub.ledger.batch import Pending
from hub.ledger.canonical import record
from hub.ledger.errors import EntryRejected, LedgerCorrupt, LedgerUnavailable
from hub.ledger.keys import Signer, VerifierKey
from hub.ledger.line import Line, Waiting
from hub.ledger.reading import entry
from hub.ledger.receipt import Receipt, verify_receipt
from hub.ledger.service import LedgerService, prepare
from hub.store.engine import open_engine
from tests.ledger.build import LOG, check, make_draft, open_service

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

acts = Table("acts", MetaData(), Column("id", Integer, primary_key=True))


class SlowSigner:
    """The ledger's signer, which says when a commit is in flight and holds it there."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self.entered, self.go = Event(), Event()
        self.key_id, self.algorithm, self.verifier_key = signer.key_id, signer.algorithm, signer.verifier_key

    def sign(self, message: bytes) -> bytes:
        self.entered.set()
        self.go.wait()
        return self._signer.sign(message)

    def in_force(self, _key_id: str) -> SlowSigner:
        """Itself."""
        return self


def trace(engine: Engine) -> list[str]:
    """What the engine's connections are told from now on, opened anew. For each statement of a trigger SQLite tells once more what set it off."""
    statements: list[str] = []

    def note(statement: str) -> None:
        if statement not in statements[-1:]:
            statements.append(statement)

    event.listen(engine, "connect", lambda driver, _: driver.set_trace_callback(note))
    engine.dispose()
    return statements


def commits(statements: Sequence[str]) -> int:
    """Transactions that were committed: those of a single insertion too, which need no word for it."""
    begun, found = False, 0
    for statement in statements:
        begun = statement.startswith("BEGIN") or (begun and statement != "COMMIT")
        found += statement == "COMMIT" or (statement.startswith("INSERT INTO ledger_commit") and not begun)
    return found


def limit_pages(connection: Connection, pages: int) -> None:
    """The writer's connection lets the database have no more."""
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


async def test_a_receipt_verifies_with_nothing_but_the_public_key(service: LedgerService) -> None:
    await service.start()
    receipts = await asyncio.gather(*(service.ledger.append(make_draft(f"c{number}")) for number in range(20)))
    await service.close()
    key = VerifierKey.parse(str(service.verifier_key))
    for receipt in receipts:
        shown = Receipt.from_json(receipt.as_json())
        assert shown == receipt
        assert verify_receipt(shown, key)
        assert shown.as_json()["entry"] == str(receipt.entry)
    assert check(service, receipts=receipts).ok


async def test_a_receipt_for_another_place_leaf_or_key_is_rejected(service: LedgerService, tmp_path: Path) -> None:
    for number in range(3):
        receipt = service.ledger.append_sync(make_draft(f"c{number}"))
    shown, key = receipt.as_json(), service.verifier_key
    other = Receipt.from_json(service.ledger.append_sync(make_draft("c4")).as_json()).as_json()
    for changed in (
        {"entry": "1"},
        {"entry": "0"},
        {"size": 2},
        {"index": 1},
        {"leaf": other["leaf"]},
        {"signature": other["signature"]},
        {"path": [other["leaf"]]},
    ):
        assert not verify_receipt(Receipt.from_json({**shown, **changed}), key), changed
    (tmp_path / "other").mkdir()
    assert not verify_receipt(receipt, open_service(tmp_path / "other").verifier_key)


async def test_a_thousand_concurrent_appends_share_few_commits(service: LedgerService) -> None:
    statements = trace(service.engine)
    await service.ledger.start()
    receipts = await asyncio.gather(*(service.ledger.append(make_draft(f"c{number}")) for number in range(1000)))
    await service.ledger.close()
    assert sorted(receipt.entry for receipt in receipts) == list(range(1000))
    made = commits(statements)
    assert made < 50
    report = check(service)
    assert report.ok
    assert (report.entries, report.batches) == (1000, made)


async def test_a_lone_append_waits_for_nobody_and_costs_one_commit(service: LedgerService) -> None:
    statements = trace(service.engine)
    await service.ledger.start()
    for number in range(1, 4):
        await service.ledger.append(make_draft(f"c{number}"))
        assert commits(statements) == number
    await service.ledger.close()


async def test_a_batch_is_one_statement_until_somebody_else_writes(service: LedgerService) -> None:
    other = Ledger(open_engine(service.engine.url.render_as_string()), service.signer)
    statements = trace(service.engine)

    def told() -> list[str]:
        heard = [statement.split()[0] for statement in statements]
        statements.clear()
        return heard

    await asyncio.gather(service.ledger.start(), other.start())
    receipts = [await service.ledger.append(make_draft("first"))]
    assert told()[-4:] == ["BEGIN", "SELECT", "INSERT", "COMMIT"]
    receipts += await asyncio.gather(*(service.ledger.append(make_draft(f"a{number}")) for number in range(200)))
    assert set(told()) == {"INSERT"}
    receipts += [await other.append(make_draft("b")), await service.ledger.append(make_draft("c"))]
    assert told() == ["INSERT", "BEGIN", "SELECT", "INSERT", "COMMIT"]
    for number in range(OVERTAKEN - 1):
        receipts.append(await service.ledger.append(make_draft(f"d{number}", accesses=())))
        assert told() == ["BEGIN", "SELECT", "INSERT", "COMMIT"]
    receipts.append(await service.ledger.append(make_draft("e", accesses=())))
    assert told() == ["INSERT"]
    receipts += await asyncio.gather(*(ledger.append(make_draft(f"f{number}")) for number in range(20) for ledger in (service.ledger, other)))
    receipts.append(service.ledger.append_sync(make_draft("sync")))
    await asyncio.gather(service.ledger.close(), other.close())
    assert check(service, receipts=receipts).findings == []


@pytest.mark.parametrize(("calls", "waited_for"), [(0, []), (CROWD - 1, []), (CROWD, [CROWD // 2]), (1000, [MOST_GATHERED])])
async def test_a_commit_waits_for_others_only_in_a_crowd(service: LedgerService, monkeypatch: pytest.MonkeyPatch, calls: int, waited_for: list[int]) -> None:
    gathered: list[int] = []
    monkeypatch.setattr(Line, "gather", lambda _, enough: gathered.append(enough))
    service.ledger.in_work = lambda: calls
    await service.ledger.start()
    await service.ledger.append(make_draft())
    await service.ledger.close()
    assert gathered == waited_for


async def test_a_rejected_draft_writes_nothing(service: LedgerService) -> None:
    await service.ledger.start()
    with pytest.raises(EntryRejected):
        await service.ledger.append(make_draft(rows=0.5))
    await service.ledger.close()
    assert check(service).entries == 0


async def test_a_full_queue_and_a_closed_ledger_refuse(service: LedgerService) -> None:
    signer = SlowSigner(service.signer)
    ledger = Ledger(service.engine, signer, queue_limit=3)
    with pytest.raises(LedgerUnavailable, match="closed"):
        await ledger.append(make_draft())
    await ledger.start()
    tasks = [asyncio.create_task(ledger.append(make_draft("c0")))]
    await asyncio.to_thread(signer.entered.wait)
    tasks += [asyncio.create_task(ledger.append(make_draft(f"c{number}"))) for number in range(1, 4)]
    await asyncio.sleep(0)
    with pytest.raises(LedgerUnavailable, match="3 entries wait"):
        await ledger.append(make_draft("c4"))
    signer.go.set()
    assert [receipt.entry for receipt in await asyncio.gather(*tasks)] == [0, 1, 2, 3]
    await ledger.close()
    report = check(service)
    assert (report.entries, report.batches) == (4, 2)


async def test_closing_commits_what_waits(service: LedgerService) -> None:
    await service.ledger.start()
    waiting = [asyncio.create_task(service.ledger.append(make_draft(f"c{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    await service.ledger.close()
    assert len(await asyncio.gather(*waiting)) == 50


async def test_the_entry_of_a_cancelled_caller_is_written(service: LedgerService) -> None:
    await service.ledger.start()
    task = asyncio.create_task(service.ledger.append(make_draft("gone")))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await service.ledger.append(make_draft("after"))
    await service.ledger.close()
    assert check(service).entries == 2


async def test_an_act_and_its_entry_stand_or_fall_together(service: LedgerService) -> None:
    acts.create(service.engine)
    await service.ledger.start()

    def doing(connection: Connection) -> None:
        connection.execute(insert(acts).values(id=1))

    def failing(connection: Connection) -> None:
        connection.execute(insert(acts).values(id=99))
        raise PermissionError("the grant has ended")

    results = await asyncio.gather(
        service.ledger.append_with(make_draft("a1", kind="admin"), doing),
        service.ledger.append_with(make_draft("bad", kind="admin"), failing),
        service.ledger.append_with(make_draft("again", kind="admin"), doing),
        service.ledger.append(make_draft("call")),
        return_exceptions=True,
    )
    await service.ledger.close()
    assert [type(result).__name__ for result in results] == ["Receipt", "PermissionError", "IntegrityError", "Receipt"]
    with service.engine.connect() as connection:
        assert connection.execute(select(acts.c.id)).scalars().all() == [1]
        assert [found.content.call for seq in range(3) if (found := entry(connection, seq))] == ["a1", "call"]
    assert check(service).ok


async def test_a_failed_act_of_the_command_line_leaves_nothing(service: LedgerService) -> None:
    def failing(_: Connection) -> None:
        raise ValueError("no such department")

    with pytest.raises(ValueError, match="no such department"):
        service.ledger.append_sync(make_draft(kind="admin"), failing)
    assert check(service).entries == 0


async def test_a_full_disk_refuses_every_waiter_and_recovers(service: LedgerService) -> None:
    await service.ledger.start()
    acknowledged = [(await service.ledger.append(make_draft("before"))).entry]
    with service.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one() + 8
    acknowledged.append((await service.ledger.append_with(make_draft("full"), partial(limit_pages, pages=pages))).entry)
    refused = 0
    for number in range(40):
        results = await asyncio.gather(*(service.ledger.append(make_draft(f"c{number}-{one}")) for one in range(5)), return_exceptions=True)
        acknowledged += [result.entry for result in results if isinstance(result, Receipt)]
        refused += sum(isinstance(result, LedgerUnavailable) for result in results)
    assert refused >= 5
    assert len(acknowledged) + refused == 202
    acknowledged.append((await service.ledger.append_with(make_draft("room"), partial(limit_pages, pages=1_000_000))).entry)
    acknowledged.append((await service.ledger.append(make_draft("after"))).entry)
    await service.ledger.close()
    assert acknowledged == list(range(len(acknowledged)))
    report = check(service)
    assert report.ok
    assert report.entries == len(acknowledged)


async def test_a_database_of_another_log_takes_no_entry(service: LedgerService) -> None:
    with pytest.raises(LedgerCorrupt, match=LOG):
        prepare(service.engine, "other.example/ledger")
    with service.engine.begin() as connection:
        connection.execute(tables.head.update().values(log="other.example/ledger"))
    with pytest.raises(LedgerUnavailable, match=r"not 'hub\.example/ledger'"):
        service.ledger.append_sync(make_draft())


async def test_an_entry_that_waited_too_long_is_not_written_and_its_caller_is_told(service: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = SlowSigner(service.signer)
    ledger = Ledger(service.engine, signer)
    await ledger.start()
    first = asyncio.create_task(ledger.append(make_draft("first")))
    await asyncio.to_thread(signer.entered.wait)
    late = [asyncio.create_task(ledger.append(make_draft(f"late-{number}"))) for number in range(3)]
    await asyncio.sleep(0)
    monkeypatch.setattr("hub.ledger.append.LONGEST_SECONDS", 0.0)
    signer.go.set()
    assert (await first).entry == 0
    assert {type(result) for result in await asyncio.gather(*late, return_exceptions=True)} == {LedgerUnavailable}
    monkeypatch.undo()
    assert (await ledger.append(make_draft("next"))).entry == 1
    await ledger.close()
    assert check(service).entries == 2


async def test_while_only_acts_are_taken_no_entry_of_data_or_refusal_is(service: LedgerService) -> None:
    await service.ledger.start()
    service.ledger.acts_only = "the disk is almost full"
    for draft in (make_draft(), make_draft(kind="deny", outcome="REFUSED"), make_draft(kind="exchange"), make_draft(kind="download")):
        with pytest.raises(LedgerUnavailable, match="almost full"):
            await service.ledger.append(draft)
    for draft in (make_draft(kind="admin"), make_draft(kind="key"), make_draft(kind="exchange", outcome="FAILED", rows=0)):
        await service.ledger.append(draft)
    service.ledger.acts_only = None
    await service.ledger.append(make_draft())
    await service.ledger.close()
    assert check(service).entries == 4


async def test_a_commit_that_fails_by_what_nobody_thought_of_is_told_and_the_writer_goes_on(service: LedgerService) -> None:
    """The head's row, altered by whoever may: no entry can be made behind it, every caller is told so, and once it is mended calls are served."""
    await service.start()
    await service.ledger.append(make_draft("before"))
    with service.engine.begin() as connection:
        leaf = connection.execute(text("SELECT leaf FROM ledger_head")).scalar_one()
        connection.execute(text("UPDATE ledger_head SET leaf = 'no bytes'"))
    calls = [asyncio.create_task(service.ledger.append(make_draft(f"c{number}"))) for number in range(3)]
    done, waiting = await asyncio.wait(calls, timeout=5)
    assert waiting == set()
    assert all(isinstance(call.exception(), LedgerUnavailable) for call in done)
    assert not service.ready
    with service.engine.begin() as connection:
        connection.execute(text("UPDATE ledger_head SET leaf = :leaf"), {"leaf": leaf})
    assert (await service.ledger.append(make_draft("after"))).entry == 1
    assert service.ready
    await service.close()


async def test_a_loop_that_is_closed_does_not_end_the_writer(service: LedgerService) -> None:
    await service.start()
    gone, draft = asyncio.new_event_loop(), make_draft("gone")
    waiting = Waiting(Pending(draft, record(draft, LOG)), gone.create_future(), gone)
    gone.close()
    service.ledger._line.put(waiting)
    assert (await service.ledger.append(make_draft("next"))).entry == 1
    assert service.ready
    await service.close()
