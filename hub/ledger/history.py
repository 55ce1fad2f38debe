"""The keys of a log in the order in which they were in force, what each of them signs, and the statement over each change."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, select

from hub.ledger import tables
from hub.ledger.digest import digest_of
from hub.ledger.errors import KeyFault, LedgerCorrupt
from hub.ledger.keys import VerifierKey

Reason = Literal["FIRST", "ROTATED", "LOST"]
ROTATE, ENDORSE = "rotateLedgerKey", "endorseLedgerKey"
"""Operations of entries of the kind ``key``."""


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """One key of a log: why it came into force, the number of the entry that announces it, and the first batch that it signs."""

    verifier: VerifierKey
    reason: Reason = "FIRST"
    batch: int = 0
    announced: int | None = None
    statement: bytes | None = None
    endorsed: int | None = None

    @property
    def first(self) -> int:
        """The first entry whose batch it signs. The announcing entry is alone in its batch, which a lost key cannot sign."""
        return 0 if self.announced is None else self.announced + (self.reason == "ROTATED")

    @property
    def size(self) -> int:
        """The smallest checkpoint that it signs: the one that covers the announcing entry."""
        return 0 if self.announced is None else self.announced + 1

    def confirms(self, before: VerifierKey) -> bool:
        """Whether the statement over the change from the key before to this one holds."""
        if self.announced is None or self.statement is None:
            return False
        signer = before if self.reason == "ROTATED" else self.verifier
        return signer.verify(self.statement, statement_text(self.reason, self.announced, before, self.verifier))


def statement_text(reason: Reason, announced: int, old: VerifierKey, new: VerifierKey) -> bytes:
    """What the statement over a change of keys signs: five lines, each ended by a newline."""
    return f"huitong-key/v1\n{new.name}\n{reason} {announced}\n{old}\n{new}\n".encode()


def of_size(line: Sequence[LedgerKey], size: int) -> LedgerKey:
    """The key that signs the checkpoint over ``size`` entries."""
    return next(key for key in reversed(line) if key.size <= size or key.announced is None)


def read_history(connection: Connection) -> list[LedgerKey]:
    """The keys as the control database holds them, oldest first.

    Raises:
        LedgerCorrupt: a row is no key, or there is none.
    """
    try:
        line = [
            LedgerKey(VerifierKey.parse(row.verifier), row.reason, row.batch, row.announced, row.statement, row.endorsed)
            for row in connection.execute(select(tables.key).order_by(tables.key.c.number))
        ]
    except (KeyFault, AttributeError, TypeError) as fault:
        raise LedgerCorrupt(f"the table {tables.key.name} holds what is no key; run `huitong ledger verify`") from fault
    if not line:
        raise LedgerCorrupt(f"the table {tables.key.name} holds no key; run `huitong ledger verify`")
    return line


def check_last(key_id: str, line: Sequence[LedgerKey]) -> None:
    """That the key which the head names is the one that the history ends with.

    Raises:
        LedgerCorrupt: it is another: whoever may write the database can name a replaced key anew.
    """
    if key_id != line[-1].verifier.key_id:
        raise LedgerCorrupt(f"the ledger is signed with a key that is not the last of its history: {key_id}; run `huitong ledger verify`")


def as_json(log: str, line: Sequence[LedgerKey]) -> dict[str, Any]:
    """As ``GET /ledger/keys`` shows the history."""
    ends = [*(_from(key) for key in line[1:]), None]
    return {"log": log, "digest": digest_of(log).name, "keys": [{**_shown(key), "until": end} for key, end in zip(line, ends, strict=True)]}


def _shown(key: LedgerKey) -> dict[str, Any]:
    return {
        "key": str(key.verifier),
        "id": key.verifier.key_id,
        "reason": key.reason,
        "announcedBy": key.announced,
        "endorsedBy": key.endorsed,
        "from": _from(key),
        "statement": None if key.statement is None else base64.b64encode(key.statement).decode(),
    }


def _from(key: LedgerKey) -> dict[str, int]:
    return {"batch": key.batch, "entry": key.first, "size": key.size}
