"""The hub's side: each checkpoint is cosigned, what no witness may be trusted with is not stored, and data wait for the quorum after the grace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from hub.clock import clock, real_now
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import DataWithheld
from hub.ledger.service import LedgerService
from hub.witness import tables
from hub.witness.cosignatures import cosigned_note, witnessed_size
from hub.witness.keys import WitnessKey
from hub.witness.policy import WitnessPolicy
from hub.witness.witness import Witness
from hub.witness.witnessing import Witnessing
from tests.ledger.build import make_draft
from tests.witness.build import Line, address, answering, asking, extend, line_to, new_witness, open_ledger, policy
from tests.witness.spec import Log, cosigned_at, leaves

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[LedgerService]:
    made = open_ledger(tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def witness(tmp_path: Path, ledger: LedgerService) -> Iterator[Witness]:
    with new_witness(tmp_path / "w", str(ledger.verifier_key)) as made:
        yield made


@pytest.fixture
def second(tmp_path: Path, ledger: LedgerService) -> Iterator[Witness]:
    with new_witness(tmp_path / "w2", str(ledger.verifier_key), name="court.example/witness") as made:
        yield made


def note(ledger: LedgerService, size: int | None = None) -> str:
    with ledger.engine.connect() as connection:
        return cosigned_note(connection, size) or ""


def stored(ledger: LedgerService) -> list[int]:
    with ledger.engine.connect() as connection:
        return list(connection.execute(select(tables.cosignature.c.size).order_by(tables.cosignature.c.size)).scalars())


async def test_every_checkpoint_is_cosigned_and_nothing_is_asked_in_vain(ledger: LedgerService, witness: Witness) -> None:
    line = line_to(one=witness)
    async with asking(ledger, policy(address(witness)), line) as ask:
        await ask()
        assert line.sent == [], "there is nothing to cosign"
        for count in (1, 3, 2):
            extend(ledger, count)
            await ask()
            assert cosigned_at(witness.verifier_key, note(ledger)) is not None
        assert stored(ledger) == [1, 4, 6]
        assert [body.split(b"\n")[0] for body in line.sent] == [b"old 0", b"old 1", b"old 4"], "one request each"
        await ask()
        assert len(line.sent) == 3


async def test_a_witness_that_knows_more_is_asked_from_its_own_size(ledger: LedgerService, witness: Witness) -> None:
    """The hub lost what it was given; the witness did not."""
    line = line_to(one=witness)
    async with asking(ledger, policy(address(witness)), line) as ask:
        extend(ledger, 3)
        await ask()
        with ledger.engine.begin() as connection:
            connection.execute(delete(tables.cosignature))
        extend(ledger, 2)
        assert (await ask()).reasons() == []
    assert [body.split(b"\n")[0] for body in line.sent] == [b"old 0", b"old 0", b"old 3"]
    assert stored(ledger) == [5]


async def test_two_nodes_ask_and_neither_disturbs_the_other(ledger: LedgerService, witness: Witness) -> None:
    rules, line = policy(address(witness)), line_to(one=witness)
    async with asking(ledger, rules, line) as one, asking(ledger, rules, line) as other:
        for _ in range(3):
            extend(ledger, 2)
            for side in await asyncio.gather(one(), other()):
                assert side.faults == {}
    assert stored(ledger) == [2, 4, 6]


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, ""), (200, "— audit.example/witness AAAA\n"), (200, "x" * 70_000), (403, "no\x1b[2J"), (404, ""), (409, ""), (409, "0\n"), (500, "{}"), (302, "")],
)
async def test_answers_that_are_no_cosignature(ledger: LedgerService, witness: Witness, status: int, body: str) -> None:
    extend(ledger, 3)
    async with asking(ledger, policy(address(witness)), Line(one=answering(status, body))) as ask:
        side = await ask()
    assert stored(ledger) == []
    assert side.faults.keys() == {"audit.example/witness"}
    assert "\x1b" not in side.faults["audit.example/witness"]
    assert not side.refused


async def test_a_cosignature_under_another_key_is_not_stored(ledger: LedgerService, witness: Witness, second: Witness) -> None:
    extend(ledger, 3)
    async with asking(ledger, policy(address(witness)), line_to(one=second)) as ask:
        side = await ask()
    assert stored(ledger) == []
    assert "does not hold" in side.faults["audit.example/witness"]


async def test_a_quorum_of_two_needs_both_under_one_checkpoint(ledger: LedgerService, witness: Witness, second: Witness) -> None:
    rules, line = policy(address(witness), address(second, "two"), quorum=2), line_to(one=witness, two=second)
    keys = [witness.verifier_key, second.verifier_key]

    def quorum() -> int | None:
        with ledger.engine.connect() as connection:
            return witnessed_size(connection, keys, 2)

    async with asking(ledger, rules, line) as ask:
        extend(ledger, 3)
        await ask()
        assert quorum() == 3
        assert all(cosigned_at(key, note(ledger, 3)) is not None for key in keys)
        line.cut.add("two")
        extend(ledger, 3)
        await ask()
        assert (stored(ledger), quorum()) == ([3, 3, 6], 3)


async def test_a_ledger_that_was_set_back_is_refused(ledger: LedgerService, witness: Witness) -> None:
    """The witness has cosigned what this database, brought back from a backup, does not have."""
    line = line_to(one=witness)
    extend(ledger, 3)
    fork = Log(ledger.ledger.log)
    known = WitnessKey.parse(witness.verifier_key)
    async with asking(ledger, policy(address(witness)), line) as ask:
        await ask()
        with witness._state.deciding() as decision:
            held = decision.last(fork.origin)
            assert held is not None
            decision.cosign(type(held)(held.origin, 9, leaves(1)[0], held.note, held.at))
        extend(ledger, 2)
        side = await ask()
        assert side.reasons() == ["witness_refuses"]
        assert "set back" in side.faults[known.name]


async def test_data_wait_for_the_quorum_after_the_grace_and_go_on_with_it(ledger: LedgerService, witness: Witness) -> None:
    line = line_to(one=witness)
    await ledger.ledger.start()
    with clock.at(real_now()) as hand:
        async with asking(ledger, policy(address(witness), grace=100), line) as ask:
            extend(ledger, 2)
            await ask()
            hand.forward(days=3)
            assert (await ask()).withheld() is None, "nothing waits: however long ago it was"
            line.cut.add("one")
            extend(ledger, 1)
            await ask()
            hand.forward(seconds=100)
            assert (await ask()).withheld() is None
            await ledger.ledger.append(make_draft())
            hand.forward(seconds=1)
            assert (await ask()).reasons() == ["witness_overdue"]
            with pytest.raises(DataWithheld):
                await ledger.ledger.append(make_draft())
            await ledger.ledger.append(EntryDraft(kind="admin", call="act", outcome="OK"))
            await ledger.ledger.append(EntryDraft(kind="deny", call="call", outcome="REFUSED"))
            line.cut.clear()
            ledger.publisher.publish_all()
            # The witness is left alone for a while after each failure.
            for state in (side := await ask())._states.values():
                state.due = 0.0
            assert (await ask()).reasons() == []
            assert side.faults == {}
            await ledger.ledger.append(make_draft())
    await ledger.ledger.close()


async def test_grace_before_the_first_cosignature_counts_from_the_first_start(ledger: LedgerService, witness: Witness) -> None:
    line = line_to(one=witness)
    line.cut.add("one")
    with clock.at(real_now()) as hand:
        extend(ledger, 2)
        hand.forward(days=900)
        async with asking(ledger, policy(address(witness)), line) as ask:
            assert (await ask()).withheld() is None, "the ledger is old, the setting is new"
            hand.forward(seconds=60)
        async with asking(ledger, policy(address(witness)), line) as ask:
            assert (await ask()).withheld() is None
            hand.forward(seconds=41)
            assert (await ask()).withheld() is not None, "a restart does not make it longer"


@pytest.mark.parametrize(("quorum", "grace"), [(0, 100), (1, 0)])
async def test_data_that_never_wait(ledger: LedgerService, witness: Witness, quorum: int, grace: int) -> None:
    line = line_to(one=witness)
    line.cut.add("one")
    with clock.at(real_now()) as hand:
        extend(ledger, 1)
        async with asking(ledger, policy(address(witness), quorum=quorum, grace=grace), line) as ask:
            await ask()
            hand.forward(days=400)
            assert (await ask()).withheld() is None


async def test_data_wait_while_nobody_looks(ledger: LedgerService, witness: Witness) -> None:
    """Before the first look, and once looks have ended."""
    at = 0.0
    async with asking(ledger, policy(address(witness), grace=20), line_to(one=witness), lambda: at) as ask:
        assert Witnessing(policy(address(witness)), ledger).withheld() is not None
        extend(ledger, 1)
        assert (await ask()).withheld() is None
        at = 21.0
        side = Witnessing(WitnessPolicy(), ledger)
        assert side.withheld() is None, "no witnesses, no waiting"
        assert (await ask()).withheld() is None
        at = 42.0
        assert ledger.ledger.withheld() is not None


async def test_a_witness_that_does_not_answer_is_asked_less_and_less(ledger: LedgerService, witness: Witness) -> None:
    at, line = 0.0, line_to()
    line.cut.add("one")
    asked = []
    extend(ledger, 1)
    async with asking(ledger, policy(address(witness)), line, lambda: at) as ask:
        for _ in range(70):
            side = await ask()
            asked.append(next(iter(side._states.values())).due)
            at += 1.0
    assert len(set(asked)) < 12
    assert max(asked) - at <= 30.0, "within half a minute it is asked again"


async def test_time_stamps_are_the_witnesses_own(ledger: LedgerService, witness: Witness) -> None:
    extend(ledger, 1)
    with clock.at(real_now() - timedelta(days=400)):
        async with asking(ledger, policy(address(witness)), line_to(one=witness)) as ask:
            await ask()
    stamp = cosigned_at(witness.verifier_key, note(ledger))
    assert stamp is not None
    assert abs(real_now().timestamp() - stamp) < 60
