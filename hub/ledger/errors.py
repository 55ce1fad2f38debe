"""What can go wrong with the ledger, by who must act."""

from __future__ import annotations


class LedgerUnavailable(Exception):
    """The entry is not durable: its queue is full, the database refused the commit, or the ledger is closed.

    Nothing may be released to the caller (503, retryable). ``str()`` holds no value of the entry.
    """


class EntryRejected(ValueError):
    """A draft that cannot become an entry: a float, an over-long text, a name out of its list. Nothing was written."""


class LedgerCorrupt(Exception):
    """What is stored contradicts what was signed. The hub stops publishing until somebody has looked; ``str()`` names the entry."""


class KeyFault(Exception):
    """A key file is missing, unreadable, open to others or not of the right kind; ``str()`` names the file and the remedy."""
