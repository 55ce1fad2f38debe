"""The logs that a witness knows: verifier keys in a TOML file, followed while the witness runs."""

from __future__ import annotations

import json
import logging
import os
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from hub.ledger.errors import KeyFault
from hub.ledger.keys import VerifierKey
from hub.witness.state import WitnessFault

_KNOWN = {"key", "origin"}
_log = logging.getLogger(__name__)

Logs = Mapping[str, tuple[VerifierKey, ...]]
"""By origin, the keys that may sign a log's checkpoints."""


class Trust:
    """Reads the file anew when it has changed. A file that is garbled later leaves the last reading in force."""

    def __init__(self, path: Path) -> None:
        """Raises :class:`WitnessFault` where the file cannot be read now; one that is missing knows no log."""
        self._path = path
        self._lock = Lock()
        self._seen = _stamp(path)
        self._logs = read_logs(path)

    def keys(self, origin: str) -> tuple[VerifierKey, ...]:
        """The keys of a log; empty where the log is unknown."""
        return self.logs().get(origin, ())

    def logs(self) -> Logs:
        """All logs as the file has them now."""
        with self._lock:
            if (stamp := _stamp(self._path)) != self._seen:
                self._seen = stamp
                try:
                    self._logs = read_logs(self._path)
                except WitnessFault as fault:
                    _log.error("the logs known so far stay in force: %s", fault)
            return self._logs


def read_logs(path: Path) -> Logs:
    """The logs that the file names in tables ``[[log]]``: ``key``, and ``origin`` where it is not the key's name.

    Raises:
        WitnessFault: the file cannot be read, or a table or key in it is wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise WitnessFault(f"{path} 无法读取 cannot be read: {fault}") from None
    found: dict[str, list[VerifierKey]] = defaultdict(list)
    tables = content.get("log", [])
    if not isinstance(tables, list) or content.keys() - {"log"}:
        raise WitnessFault(f"{path}: 只能含 holds tables [[log]] only, each with key, and origin where it is not the key's name")
    for number, table in enumerate(tables, 1):
        origin, key = _entry(table, f"{path}: [[log]] {number}")
        if key not in found[origin]:
            found[origin].append(key)
    return {origin: tuple(keys) for origin, keys in found.items()}


def add_log(path: Path, key: VerifierKey, origin: str) -> bool:
    """Writes a log's key into the file, durably; false where it stands there already.

    Raises:
        WitnessFault: the file cannot be read or written.
    """
    if key in read_logs(path).get(origin, ()):
        return False
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [*([before] if before.endswith("\n") or not before else [before, "\n"]), "\n" if before else "", "[[log]]\n", f"key = {json.dumps(str(key))}\n"]
    if origin != key.name:
        lines.append(f"origin = {json.dumps(origin)}\n")
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with made.open("w", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    except OSError as fault:
        raise WitnessFault(f"{path} 无法写入 cannot be written: {fault.strerror}") from None
    return True


def _entry(table: object, where: str) -> tuple[str, VerifierKey]:
    if not isinstance(table, dict) or not isinstance(table.get("key"), str) or table.keys() - _KNOWN:
        raise WitnessFault(f"{where}: 应有 expected key, and origin where it is not the key's name")
    try:
        key = VerifierKey.parse(table["key"])
    except KeyFault as fault:
        raise WitnessFault(f"{where}: {fault}") from None
    origin = table.get("origin", key.name)
    if not isinstance(origin, str) or not origin:
        raise WitnessFault(f"{where}: origin 应为文本 is a text")
    return origin, key


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
