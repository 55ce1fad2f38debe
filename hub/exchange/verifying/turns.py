"""One run through the rows that are left: a hundred after another, fewer where a budget lets fewer through."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from anyio import to_thread
from sqlalchemy import Connection

from hub.exchange.verifying import looks
from hub.exchange.verifying.asking import Asking, Case, Row
from hub.exchange.verifying.documents import Compiled
from hub.exchange.verifying.looks import Aside, Looks
from hub.exchange.verifying.outcomes import OutcomeLog
from hub.exchange.verifying.reading import Cell
from hub.exchange.verifying.rows import variables_of_row
from hub.exchange.verifying.store import Upload
from hub.ledger.batch import Work
from hub.store.base import now
from hub.verification.limits import Budget, OverBudget
from schema.faults import Code, Fault
from schema.verifying import Told

MOST = 100
"""Rows of one call, as of any other."""
SOON_SECONDS = 30
"""A wait that is told of by no state."""
_OF_ALL = (Budget.SUBJECTS, Budget.MISMATCHES)
"""Budgets that every further row needs."""
_PERIODS = (Code.VERIFICATION_BUDGET, Code.QUOTA_EXCEEDED, Code.RATE_LIMITED)
"""What is there again after a while."""


@dataclass(frozen=True)
class Table:
    """What a job verifies, and the columns that it copies."""

    upload: Upload
    keep: tuple[str, ...]

    def values(self, compiled: Compiled, row: Sequence[Cell]) -> Row:
        """A row's variables."""
        return variables_of_row(compiled.prepared, compiled.types, self.upload.columns, row, self.upload.format != "CSV")


class Turns:
    """Takes rows in their order; each fares as it would alone, in its turn."""

    def __init__(self, asking: Asking, sight: Looks, case: Case, log: OutcomeLog, aside: Aside) -> None:
        self._asking, self._looks, self._case, self._log, self._aside = asking, sight, case, log, aside
        self._size = MOST
        self._written = (0, 0)

    async def verify(self, table: Table, rows: Iterator[list[Cell]]) -> None:
        """All of them.

        Raises:
            Stopped: the job must not go on.
            Waiting: there is no room now.
            Lost: it is not this server's any more.
            LedgerUnavailable: whether the last rows are entered is not known.
            Fault: it cannot go on.
        """
        waiting: list[Row] = []
        while True:
            read = await to_thread.run_sync(list, islice(rows, MOST - len(waiting)))
            waiting += [table.values(self._case.compiled, each) for each in read]
            if not waiting:
                return
            done = await self._ask(waiting[: self._size])
            del waiting[:done]

    async def _ask(self, rows: Sequence[Row]) -> int:
        """How many of the first rows have their outcome now."""
        self._looks.check(self._case)
        if (reason := self._looks.closed(self._case)) is not None:
            await self._looks.pause(self._case, reason, now() + timedelta(seconds=looks.LOOK_SECONDS), self._aside)
            return 0
        try:
            await self._asking.ask(self._case, rows, self._keeping)
        except Fault as fault:
            return await self._refused(rows, fault)
        self._log.kept(*self._written)
        self._size = min(MOST, 2 * self._size)
        return len(rows)

    async def _refused(self, rows: Sequence[Row], fault: Fault) -> int:
        if isinstance(fault, OverBudget) and len(rows) > 1:
            self._size = len(rows) // 2
            return 0
        if isinstance(fault, OverBudget) and fault.budget not in _OF_ALL:
            await self._asking.refuse(self._case, fault, self._keeping)
            self._log.kept(*self._written)
            return 1
        if fault.code not in _PERIODS or fault.retry_after is None:
            raise fault
        await self._wait(fault, fault.retry_after)
        return 0

    async def _wait(self, fault: Fault, seconds: int) -> None:
        """Until what is used up is there again. Short waits are nobody's concern."""
        if seconds <= SOON_SECONDS and fault.code is Code.RATE_LIMITED:
            await asyncio.sleep(seconds)
            return
        await self._asking.refuse(self._case, fault, None)
        until = now() + timedelta(seconds=seconds)
        reason = f"{fault.code.value} {fault.zh}，{until.isoformat(timespec='seconds')} 后继续 {fault.en}; goes on by itself"
        await self._looks.pause(self._case, reason, until, self._aside)
        self._size = MOST

    def _keeping(self, call: str, told: Sequence[Told]) -> Work:
        """Writes outcomes down; what it gives back makes them count, together with their entry."""
        done, end = self._log.write(call, told)

        def keep(connection: Connection) -> None:
            self._log.keep(connection, done, end)

        self._written = done, end
        return keep
