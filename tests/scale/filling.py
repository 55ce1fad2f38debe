"""Fills a ledger in bulk: entries as ``Year`` has them, in signed batches as a busy hub commits them, but with many batches to a transaction.

A record of each application, resource and end of a call is made once; what differs from call to call is put into it before it is sealed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from hub.core import Core
from hub.ledger import tables
from hub.ledger.batch import locked_head
from hub.ledger.canonical import Record, moment, record, seal
from hub.ledger.digest import digest_of
from hub.ledger.merkle import levels
from hub.ledger.receipt import batch_text
from hub.ledger.storing import insert_all
from hub.store.turns import writing
from tests.scale.year import PEOPLE, Pair, Shape, Year, subject

BATCH = 16
"""Entries of one signature, as a busy hub has them."""
_TRANSACTION = 256 * BATCH
_Call = tuple[int, datetime, Pair, Shape]


class Filler:
    """Takes a year's calls from their beginning."""

    def __init__(self, core: Core, year: Year) -> None:
        self._core = core
        self._year = year
        self._calls = year.calls_made()
        self._made: dict[tuple[Pair, Shape], Record] = {}
        self._random = random.Random(1)

    def fill(self, count: int) -> Iterator[int]:
        """Writes so many more; yields how many are written so far."""
        done = 0
        while calls := list(islice(self._calls, min(_TRANSACTION, count - done))):
            with writing(self._core.engine) as connection:
                self._write(connection, calls)
            done += len(calls)
            yield done

    def _write(self, connection: Connection, calls: Sequence[_Call]) -> None:
        log, signer = self._core.ledger.log, self._core.log.signer
        digest = digest_of(log)
        first, number, previous, _ = locked_head(connection, log)
        batches: list[tuple[object, ...]] = []
        entries: list[tuple[object, ...]] = []
        accesses: list[tuple[object, ...]] = []
        for start in range(0, len(calls), BATCH):
            leaves = []
            for seq, call in enumerate(calls[start : start + BATCH], first):
                made = self._record(call, log)
                canonical = seal(made, seq, previous.hex())
                previous = digest.leaf(canonical)
                leaves.append(previous)
                repeated = (made["at"], made["call"], made["kind"], made["operation"], made["application"], made["department"], made["outcome"])
                entries.append((seq, number, *repeated, previous, canonical))
                accesses += [(seq, access["resource"], access["provider"]) for access in made["accesses"]]
            root = levels(leaves, digest)[-1][0]
            signature = signer.sign(batch_text(log, first, len(leaves), root))
            batches.append((number, first, len(leaves), root, signer.key_id, signature))
            first, number = first + len(leaves), number + 1
        for table, rows in ((tables.batch, batches), (tables.entry, entries), (tables.access, accesses)):
            insert_all(connection, table, rows)
        connection.exec_driver_sql("UPDATE ledger_head SET size = ?, batches = ?, leaf = ?", (first, number, previous))

    def _record(self, call: _Call, log: str) -> dict[str, Any]:
        number, at, pair, shape = call
        made = self._made.get((pair, shape))
        if made is None:
            made = self._made[pair, shape] = record(self._year.draft(number, at, pair, shape), log)
        draw = self._random.random
        made["at"] = moment(at)
        made["call"] = f"call_{int(at.timestamp() * 1000):011x}{number:016x}"
        made["case"] = f"2025-{number % 9973}"
        made["operator"] = f"工号{int(draw() * 40):03}"
        made["trace"] = f"{number:032x}"
        if shape.rows and shape.operation != "exchange":
            made["accesses"][0]["subjects"] = [subject(int(draw() * PEOPLE)) for _ in range(shape.rows)]
        for state in made["sources"]:
            state["asOf"] = moment(at - timedelta(minutes=number % 600))
        return made
