"""Refusals before authentication, rolled up: one entry per address and second, so that noise cannot fill the ledger."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from hub.ledger.entry import EntryDraft
from hub.ledger.errors import LedgerUnavailable
from hub.store.base import now

ADDRESSES = 64
"""Addresses told apart within one second; all further ones are ``others``."""
CODES = 32
"""Error codes told apart per address; all further ones are ``OTHER``."""
OTHERS = "others"


@dataclass(slots=True)
class _Tally:
    since: datetime
    until: datetime
    codes: Counter[str] = field(default_factory=Counter)

    def add(self, code: str, at: datetime, count: int = 1) -> None:
        self.codes[code if code in self.codes or len(self.codes) < CODES else "OTHER"] += count
        self.since, self.until = min(self.since, at), max(self.until, at)


class Rollup:
    """Counts anonymous refusals and writes them by ``append``. Used from one event loop."""

    def __init__(self, append: Callable[[EntryDraft], Awaitable[object]], *, addresses: int = ADDRESSES, interval: float = 1.0) -> None:
        self._append = append
        self._addresses = addresses
        self._interval = interval
        self._tallies: dict[str, _Tally] = {}

    def refused(self, address: str, code: str, at: datetime | None = None) -> None:
        """Count one refusal from this network address. Never waits, never fails."""
        self._add(address[:64], code[:64], at or now(), 1)

    async def flush(self) -> int:
        """Write what was counted, one entry per address; the number of entries written. What the ledger did not take stays counted for the next time."""
        tallies, self._tallies = self._tallies, {}
        results = await asyncio.gather(*(self._append(_draft(address, tally)) for address, tally in tallies.items()), return_exceptions=True)
        for (address, tally), result in zip(tallies.items(), results, strict=True):
            if isinstance(result, LedgerUnavailable):
                self._restore(address, tally)
            elif isinstance(result, BaseException):
                raise result
        return sum(not isinstance(result, LedgerUnavailable) for result in results)

    async def run(self) -> None:
        """Flush every interval until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(self._interval)
                await self.flush()
        finally:
            await self.flush()

    def _add(self, address: str, code: str, at: datetime, count: int) -> None:
        if address not in self._tallies and len(self._tallies) >= self._addresses:
            address = OTHERS
        self._tallies.setdefault(address, _Tally(at, at)).add(code, at, count)

    def _restore(self, address: str, tally: _Tally) -> None:
        for code, count in tally.codes.items():
            self._add(address, code, tally.since, count)
            self._add(address, code, tally.until, 0)


def _draft(address: str, tally: _Tally) -> EntryDraft:
    return EntryDraft(
        kind="rollup",
        call=f"rollup-{secrets.token_hex(8)}",
        outcome="REFUSED",
        address=address,
        details={
            "since": tally.since.isoformat(timespec="microseconds"),
            "until": tally.until.isoformat(timespec="microseconds"),
            "total": tally.codes.total(),
            "codes": {code.encode("ascii", "replace").decode(): count for code, count in tally.codes.items()},
        },
    )
