"""Threads that write to one SQLite database come one after the other, whoever has waited longest first."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hub.store.engine import open_engine
from hub.store.turns import Turns, _of, turn, writing

pytestmark = pytest.mark.fast


def waiting(turns: Turns, count: int) -> None:
    """Until so many wait."""
    while len(turns._waiting) < count:
        time.sleep(0.001)


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    turns, order = Turns(), []
    assert turns.take(1)

    def ask(number: int) -> None:
        assert turns.take(30)
        order.append(number)
        turns.give()

    threads = []
    for number in range(20):
        threads.append(threading.Thread(target=ask, args=(number,)))
        threads[-1].start()
        waiting(turns, number + 1)
    turns.give()
    for thread in threads:
        thread.join()
    assert order == list(range(20))
    assert turns.take(0)


def test_who_waits_too_long_leaves_and_the_turn_goes_on() -> None:
    turns = Turns()
    assert turns.take(1)
    assert not turns.take(0.01)
    other = threading.Thread(target=lambda: turns.take(30))
    other.start()
    waiting(turns, 1)
    turns.give()
    other.join()
    assert not turns.take(0.01), "the other has it"


def test_a_thread_that_writes_again_and_again_lets_another_in_between(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE t (who TEXT)"))

    def write(who: str, times: int) -> None:
        for _ in range(times):
            with writing(engine) as connection:
                connection.execute(text("INSERT INTO t VALUES (:who)"), {"who": who})

    with turn(engine, 10_000):
        turns = _of(engine)
        assert turns is not None
        threads = [threading.Thread(target=write, args=given) for given in (("often", 20), ("once", 1))]
        for number, thread in enumerate(threads, 1):
            thread.start()
            waiting(turns, number)
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        rows = [who for (who,) in connection.execute(text("SELECT who FROM t ORDER BY rowid"))]
    engine.dispose()
    assert rows == ["often", "once", *["often"] * 19]


def test_a_database_that_another_process_holds_says_so_itself(tmp_path: Path) -> None:
    engine, other = (open_engine(f"sqlite:///{tmp_path / 'x.db'}") for _ in range(2))
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    with other.connect().execution_options(sqlite_begin="IMMEDIATE") as held, held.begin():
        impatient = engine.connect().execution_options(sqlite_begin="IMMEDIATE", patience=10)
        with turn(engine, 10), impatient as connection, pytest.raises(OperationalError, match="locked"):
            connection.begin()
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
    for each in (engine, other):
        each.dispose()
