"""The hub's side of witnessing: it has each new checkpoint cosigned, and lets no data leave once the ledger has gone unwitnessed for too long."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2
import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import SQLAlchemyError

from hub.ledger.checkpoint import Checkpoint, read_head
from hub.ledger.digest import digest_of
from hub.ledger.errors import LedgerCorrupt
from hub.ledger.notes import split_note
from hub.ledger.proofs import latest_checkpoint
from hub.ledger.service import LedgerService
from hub.ledger.tree import consistency_path
from hub.store.base import now
from hub.witness.asking import Asking, Proof, Refusing, Unheard
from hub.witness.cosignatures import Standing, register, save, standing
from hub.witness.policy import WitnessAddress, WitnessPolicy

_SECONDS = 5.0
"""Longest that one request to a witness may take."""
_LONGEST_PAUSE = 30.0
"""Between two questions to a witness that does not answer."""
_LOOK_MS = 2000
log = structlog.get_logger(__name__)


@dataclass
class _State:
    """What is known of one witness."""

    address: WitnessAddress
    fault: str | None = None
    """Why it did not cosign when it was asked last."""
    refuses: bool = False
    """The fault is a fork, or a ledger set back."""
    pause: float = 0.0
    due: float = 0.0
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Witnessing:
    """Asks the witnesses of a policy; without any it does nothing. Lives on the event loop, reads and writes in a worker thread of its own."""

    def __init__(self, policy: WitnessPolicy, service: LedgerService, clock: Callable[[], float] = time.monotonic) -> None:
        self.policy = policy
        self.connect: Callable[[], httpx2.AsyncClient] = _connect
        """Makes the client that asks."""
        self._service = service
        self._clock = clock
        self._keys = [str(one.key) for one in policy.witnesses]
        self._states = {str(one.key): _State(one) for one in policy.witnesses}
        # Its own thread: whatever holds the others, witnesses are asked.
        self._limiter = CapacityLimiter(1)
        self._standing: Standing | None = None
        self._witnessed = -1
        self._looked: float | None = None
        self._told = False
        if policy.stops:
            service.ledger.withheld = self.withheld

    @property
    def refused(self) -> bool:
        """Whether a witness has found a fork, or the ledger set back."""
        return any(state.refuses for state in self._states.values())

    @property
    def faults(self) -> dict[str, str]:
        """By the witness's name, why it did not cosign when it was asked last."""
        return {state.address.key.name: state.fault for state in self._states.values() if state.fault is not None}

    @property
    def waiting_seconds(self) -> float:
        """How long the oldest entry has waited for the quorum; 0 where none waits."""
        since = self._standing.waiting_since if self._standing else None
        return max(0.0, (now() - since).total_seconds()) if since else 0.0

    def withheld(self) -> str | None:
        """Why no data may leave; ``None`` where they may. Cheap: asked for every entry of data."""
        if not self.policy.stops:
            return None
        if self._looked is None or self._clock() - self._looked > max(self.policy.grace_seconds, 2 * _SECONDS):
            return "the ledger's witnesses have not been looked after"
        if self.waiting_seconds > self.policy.grace_seconds:
            return f"no quorum of witnesses has cosigned the ledger for {self.policy.grace_seconds} s"
        return None

    def reasons(self) -> list[str]:
        """What of this keeps the hub from being ready."""
        return ["witness_overdue"] * (self.withheld() is not None) + ["witness_refuses"] * self.refused

    async def run(self) -> None:
        """Asks until cancelled."""
        if not self.policy.witnesses:
            return
        async with self.connect() as http:
            try:
                while True:
                    await self.ask_all(http)
                    await asyncio.sleep(self.policy.interval_seconds)
            finally:
                tasks = [state.task for state in self._states.values() if state.task is not None]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def ask_all(self, http: httpx2.AsyncClient) -> None:
        """One look at the ledger, and one question to each witness that has something to cosign."""
        try:
            await self._look()
            asked = [state for state in self._states.values() if self._has_work(state)]
            if asked:
                head = await self._newest()
                for state in asked:
                    state.task = asyncio.create_task(self._ask(state, head, http))
                await asyncio.wait([state.task for state in asked if state.task], timeout=self.policy.interval_seconds)
                await self._look()
        except (SQLAlchemyError, LedgerCorrupt, OSError, ValueError) as fault:
            # Without a look data stop after a while by themselves; the ledger's own writing tells of the database.
            log.warning("witnesses_not_asked", fault=type(fault).__name__)

    async def _look(self) -> None:
        if self._looked is None:
            await to_thread.run_sync(register, self._service.engine, self._keys, limiter=self._limiter)
        found = await to_thread.run_sync(self._stand, limiter=self._limiter)
        self._standing, self._looked = found, self._clock()
        self._witnessed = self._witnessed if found.witnessed is None else found.witnessed
        self._tell()

    def _stand(self) -> Standing:
        with self._service.engine.execution_options(patience=_LOOK_MS).connect() as connection:
            return standing(connection, self._keys, self.policy.quorum, self._witnessed)

    def _tell(self) -> None:
        """An alarm when data stop, and a word when they leave again; each once."""
        overdue = self.withheld() is not None
        if overdue and not self._told:
            log.critical("witness_overdue", waiting_seconds=int(self.waiting_seconds), quorum=self.policy.quorum, faults=self.faults)
        if self._told and not overdue:
            log.warning("witness_overdue_ended", published=self._standing.size if self._standing else 0)
        self._told = overdue

    def _has_work(self, state: _State) -> bool:
        running = state.task is not None and not state.task.done()
        found = self._standing
        behind = found is not None and found.size > found.cosigned.get(str(state.address.key), 0)
        # Whoever refused is asked again: what it found may have been mended, by the ledger's restoration alone.
        return not running and (behind or state.refuses) and self._clock() >= state.due

    async def _ask(self, state: _State, head: Checkpoint, http: httpx2.AsyncClient) -> None:
        key = str(state.address.key)
        old = self._standing.cosigned.get(key, 0) if self._standing else 0
        try:
            async with asyncio.timeout(3 * _SECONDS):
                size, line = await Asking(state.address, http, self._newest, self._prove).ask(head, old)
            await to_thread.run_sync(save, self._service.engine, size, key, line, limiter=self._limiter)
        except Refusing as fault:
            self._failed(state, str(fault), refuses=True)
        except Unheard as fault:
            self._failed(state, str(fault))
        except Exception as fault:  # noqa: BLE001 - whatever one witness does, the others are asked
            self._failed(state, type(fault).__name__)
        else:
            if state.fault is not None:
                log.info("witness_cosigns_again", witness=state.address.key.name, size=size)
            state.fault, state.refuses, state.pause, state.due = None, False, 0.0, 0.0

    def _failed(self, state: _State, fault: str, refuses: bool = False) -> None:
        if (fault, refuses) != (state.fault, state.refuses):
            tell = log.critical if refuses else log.warning
            tell("witness_refuses" if refuses else "witness_not_heard", witness=state.address.key.name, fault=fault)
        state.fault, state.refuses = fault, refuses
        state.pause = min(_LONGEST_PAUSE, max(self.policy.interval_seconds, 2 * state.pause))
        state.due = self._clock() + state.pause

    async def _newest(self) -> Checkpoint:
        return await to_thread.run_sync(self._read_newest, limiter=self._limiter)

    def _read_newest(self) -> Checkpoint:
        with self._service.engine.connect() as connection:
            note = latest_checkpoint(connection)
        if note is None:
            raise LedgerCorrupt("the checkpoints are gone; run `huitong ledger verify`")
        return read_head(split_note(note)[0], note)

    async def _prove(self, old: int, new: int) -> Proof:
        return await to_thread.run_sync(self._read_proof, old, new, limiter=self._limiter)

    def _read_proof(self, old: int, new: int) -> Proof:
        with self._service.engine.connect() as connection:
            return consistency_path(connection, old, new, digest_of(self._service.ledger.log))


def _connect() -> httpx2.AsyncClient:
    """No proxies, no redirects; certificates as the system trusts them (``SSL_CERT_FILE``)."""
    return httpx2.AsyncClient(timeout=_SECONDS, trust_env=False, follow_redirects=False, verify=ssl.create_default_context())
