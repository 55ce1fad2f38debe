"""What a witness remembers: for each log the last checkpoint it cosigned, and what was shown to it that cannot be true."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from hub.ledger.errors import LedgerUnavailable

MOST_EVIDENCE = 1000
"""Pieces of evidence kept for one log and reason: the first half, and the latest. Nobody can keep a later piece out, or drive the first ones out."""
_PATIENCE_SECONDS = 5.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS cosigned (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS evidence (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, origin TEXT NOT NULL, reason TEXT NOT NULL,
    size INTEGER NOT NULL, root BLOB NOT NULL, held TEXT NOT NULL, shown BLOB NOT NULL, UNIQUE (origin, reason, size, root)
) STRICT;
"""


class WitnessFault(Exception):
    """A witness cannot work with its home. ``str()`` says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The last checkpoint of a log that was cosigned. ``note`` bears the log's signatures and the witness's; ``at`` is POSIX seconds."""

    origin: str
    size: int
    root: bytes
    note: str
    at: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A request that contradicts what was cosigned: ``held`` is the checkpoint of before, ``shown`` the whole request."""

    origin: str
    reason: str
    size: int
    root: bytes
    held: str
    shown: bytes
    at: int


class WitnessState:
    """An SQLite file of its own: write-ahead log, each commit on the disk before it returns. Used from any thread, one at a time."""

    def __init__(self, path: Path) -> None:
        """Opens the file of :meth:`create`.

        Raises:
            WitnessFault: it is not there, or cannot be used.
        """
        if not path.is_file():
            raise WitnessFault(
                f"{path} 不存在 is missing: 新见证请运行 for a new witness run `huitong witness init`; "
                "失去状态的见证须停用 a witness that lost its state is retired with its key, for it would cosign what it refused before"
            )
        self._lock = Lock()
        try:
            self._connection = _connected(path)
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as fault:
            raise WitnessFault(f"{path} 不可用 cannot be used: {fault}") from None

    @staticmethod
    def create(path: Path) -> None:
        """Makes an empty file.

        Raises:
            WitnessFault: it cannot be made.
        """
        try:
            with _closing(_connected(path)) as connection:
                connection.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as fault:
            raise WitnessFault(f"{path} 无法建立 cannot be made: {fault}") from None

    @contextmanager
    def deciding(self) -> Iterator[Decision]:
        """A transaction that nobody else's comes between; committed at the end.

        Raises:
            LedgerUnavailable: the file cannot be written. Nothing is changed then, or all that the block did.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield Decision(self._connection)
                except BaseException:
                    self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT")
            except sqlite3.Error as fault:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise LedgerUnavailable(f"the witness's state cannot be written ({type(fault).__name__})") from fault

    def all_cosigned(self) -> list[Cosigned]:
        """The last cosigned checkpoint of every log, by name."""
        with self._lock:
            rows = self._connection.execute("SELECT origin, size, root, note, at FROM cosigned ORDER BY origin").fetchall()
        return [Cosigned(*row) for row in rows]

    def evidence(self) -> list[Evidence]:
        """All evidence, oldest first."""
        with self._lock:
            rows = self._connection.execute("SELECT origin, reason, size, root, held, shown, at FROM evidence ORDER BY id").fetchall()
        return [Evidence(*row) for row in rows]

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()


class Decision:
    """What one transaction reads and writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def last(self, origin: str) -> Cosigned | None:
        """The last checkpoint of this log that was cosigned."""
        row = self._connection.execute("SELECT origin, size, root, note, at FROM cosigned WHERE origin = ?", (origin,)).fetchone()
        return None if row is None else Cosigned(*row)

    def probe(self) -> None:
        """A write that changes nothing but shows that one can be made."""
        self._connection.execute("UPDATE cosigned SET at = at")

    def cosign(self, made: Cosigned) -> None:
        """Remembers a checkpoint as the last one. Whatever had looked like a fork to this very tree is explained by it."""
        self._connection.execute("INSERT OR REPLACE INTO cosigned (origin, size, root, note, at) VALUES (?, ?, ?, ?, ?)", _row(made))
        self._connection.execute("DELETE FROM evidence WHERE origin = ? AND size = ? AND root = ?", (made.origin, made.size, made.root))

    def keep(self, found: Evidence) -> bool:
        """Keeps evidence; whether it was new. Where there is no room, the oldest of the latest goes."""
        values = (found.at, found.origin, found.reason, found.size, found.root, found.held, found.shown)
        into = "INSERT OR IGNORE INTO evidence (at, origin, reason, size, root, held, shown) VALUES (?, ?, ?, ?, ?, ?, ?)"
        if self._connection.execute(into, values).rowcount != 1:
            return False
        counted = self._connection.execute("SELECT count(*) FROM evidence WHERE origin = ? AND reason = ?", (found.origin, found.reason)).fetchone()
        if counted[0] > MOST_EVIDENCE:
            oldest = "SELECT id FROM evidence WHERE origin = ? AND reason = ? ORDER BY id LIMIT 1 OFFSET ?"
            (gone,) = self._connection.execute(oldest, (found.origin, found.reason, MOST_EVIDENCE // 2)).fetchone()
            self._connection.execute("DELETE FROM evidence WHERE id = ?", (gone,))
        return True


def _row(made: Cosigned) -> tuple[str, int, bytes, str, int]:
    return made.origin, made.size, made.root, made.note, made.at


@contextmanager
def _closing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    finally:
        connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection
