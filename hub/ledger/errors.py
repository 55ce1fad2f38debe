"""What can go wrong with the ledger, by who must act."""

from __future__ import annotations

from pathlib import Path


class LedgerUnavailable(Exception):
    """The entry is not durable: its queue is full, the database refused the commit, or the ledger is closed.

    Nothing may be released to the caller (503, retryable). ``str()`` holds no value of the entry.
    """


class DataWithheld(LedgerUnavailable):
    """The ledger can be written, but has gone unwitnessed for too long: no data leave. ``str()`` says why."""


class EntryRejected(ValueError):
    """A draft that cannot become an entry: a float, an over-long text, a name out of its list. Nothing was written."""


class LedgerCorrupt(Exception):
    """What is stored contradicts what was signed. The hub stops publishing until somebody has looked; ``str()`` names the entry."""


class KeyMissing(Exception):
    """The signing key in force is not among this home's keys: another node rotated it, or it is lost. Nothing is written or published until it is there."""

    def __init__(self, key_id: str, directory: Path) -> None:
        super().__init__(
            f"日志现用签名密钥为 {key_id}，{directory} 中没有，请从持有该密钥的目录复制 keys/；已遗失则 huitong keys ledger rotate --lost "
            f"the ledger is signed with the key {key_id}, which is not in {directory}; copy keys/ from the home that has it, or, where it is lost, "
            "huitong keys ledger rotate --lost"
        )


class DeviceFault(Exception):
    """A device that signs checkpoints beside the hub did not sign; ``str()`` says why, without what it printed."""


class KeyFault(Exception):
    """A key file is missing, unreadable, open to others or not of the right kind; ``str()`` names the file and the remedy."""
