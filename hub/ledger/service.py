"""The ledger as the hub runs it: one call assembles keys, writer, publisher and roll-up over a control database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from hub.ledger import tables
from hub.ledger.append import Ledger
from hub.ledger.checkpoint import NoteSigner
from hub.ledger.errors import LedgerCorrupt
from hub.ledger.history import read_history
from hub.ledger.keys import Ed25519Signer, VerifierKey
from hub.ledger.proofs import InclusionProof, inclusion, latest_checkpoint
from hub.ledger.publish import Publisher
from hub.ledger.ring import KeyRing
from hub.ledger.rollup import Rollup
from hub.ledger.rotation import adopt
from hub.ledger.subjects import Subjects
from hub.store.engine import settle
from hub.store.turns import writing

_LOOKS, _LOOK_SECONDS = 8, 0.25
"""An entry is published within about a second: whoever asks at once is made to wait for it, not to try again."""


def held_log(engine: Engine) -> str | None:
    """The name of the log that a control database holds; ``None`` where it holds none yet."""
    with engine.connect() as connection:
        held: str | None = connection.execute(select(tables.head.c.log)).scalar()
    return held


def prepare(engine: Engine, log: str) -> None:
    """Give an empty control database (its tables exist) the head of this log; harmless when it has it.

    Raises:
        LedgerCorrupt: the database holds another log.
    """
    first = {"id": 1, "log": log, "size": 0, "batches": 0, "leaf": bytes(32)}
    held = held_log(engine)
    if held is None:
        # Another process may be first between the two statements; what it wrote is read below.
        with suppress(IntegrityError), writing(engine) as connection:
            connection.execute(insert(tables.head), first)
        held = held_log(engine)
    if held != log:
        raise LedgerCorrupt(f"the database holds the ledger {held!r}, not {log!r}; check HUITONG_HOME and the hub's name")


@dataclass(frozen=True, slots=True)
class LedgerService:
    """Everything the hub needs of the ledger. The command line uses it without ``start``: ``ledger.append_sync`` and ``publisher.publish_all``."""

    engine: Engine
    ring: KeyRing
    first_key: VerifierKey
    """The key that the log began with; it tells the log from all others, whatever key is in force."""
    ledger: Ledger
    publisher: Publisher
    rollup: Rollup
    subjects: Subjects

    @classmethod
    def assemble(cls, engine: Engine, keys: Path, log: str, further: Sequence[NoteSigner] = ()) -> LedgerService:
        """Over a control database whose tables exist, with the keys of a directory (made on first use), for the log of this name.

        ``further`` sign its checkpoints too.

        Raises:
            KeyFault: a key file cannot be used, or the name cannot name a log.
            KeyMissing: the directory lacks the key that is in force.
            LedgerCorrupt: the database holds another log.
        """
        ring = KeyRing(keys, log)
        prepare(engine, log)
        adopt(engine, ring)
        with engine.connect() as connection:
            first = read_history(connection)[0].verifier
        ledger = Ledger(engine, ring)
        return cls(engine, ring, first, ledger, Publisher(engine, ring, further=further), Rollup(ledger.append), Subjects.in_directory(keys))

    @property
    def signer(self) -> Ed25519Signer:
        """The signer in force."""
        return self.ring.present

    @property
    def verifier_key(self) -> VerifierKey:
        """The public key; its ``str()`` answers ``GET /ledger/key``."""
        return self.signer.verifier_key

    @property
    def ready(self) -> bool:
        """Whether calls can be served: entries are accepted and written, and checkpoints keep up."""
        return self.ledger.running and not self.ledger.failing and self.ring.missing is None and self.publisher.fault is None

    def published(self, seconds: float = 5.0) -> bool:
        """Waits until there is a checkpoint; whether there is one in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.engine.connect() as connection:
                if latest_checkpoint(connection) is not None:
                    return True
            time.sleep(0.05)
        return False

    async def proof(self, entry: int) -> InclusionProof | None:
        """The proof of an entry in the last published tree; one that is not published yet is waited for, about two seconds.

        Raises:
            LedgerCorrupt: the stored tree has a hole.
        """
        for _ in range(_LOOKS):
            found = await asyncio.to_thread(self._inclusion, entry)
            if found is not None:
                return found
            await asyncio.sleep(_LOOK_SECONDS)
        return None

    def _inclusion(self, entry: int) -> InclusionProof | None:
        with self.engine.connect() as connection:
            return inclusion(connection, entry)

    async def start(self) -> None:
        """Start writing and publishing.

        Raises:
            SQLAlchemyError: the control database refuses.
        """
        await asyncio.to_thread(settle, self.engine)
        await self.ledger.start()
        self.publisher.start()

    async def close(self) -> None:
        """Write the counted refusals, commit what waits, publish it, end both threads."""
        try:
            await self.rollup.flush()
        finally:
            await self.ledger.close()
            await asyncio.to_thread(self.publisher.close)
