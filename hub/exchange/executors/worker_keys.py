"""The hub's keys that a worker needs: whom rows concern, and pseudonyms. They are copied to its machine; no task carries one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auth.keys import KeyFault
from connectors.selection import Column
from hub.exchange.work.task import ChunkFault
from hub.ledger.errors import KeyFault as SubjectKeyFault
from hub.ledger.subjects import SUBJECT_KEY, Subjects
from hub.pseudonyms.files import FOLDER, KeyFiles
from masking.pseudonym import KEYS, pseudonymises
from masking.rules import Mask
from schema.export_spec import Branch, ExportSpec, Leaf


class KeysMissing(Exception):
    """A worker's directory of keys that will not do. ``str()`` says what is wrong, in Chinese and English."""


class WorkerKeys:
    """The keys in a directory laid out as the hub's own.

    Raises:
        KeysMissing: the subject key is not there, or a key cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / SUBJECT_KEY
        if not path.is_file():
            raise KeysMissing(f"缺少标识密钥 the subject key is missing: {path}: 请从汇通的密钥目录复制 copy it from the hub's keys, mode 0600")
        try:
            self.subjects = Subjects.in_directory(directory)
        except SubjectKeyFault as fault:
            raise KeysMissing(str(fault)) from None
        self._pseudonyms = KeyFiles(directory / FOLDER)
        self._pseudonyms.refresh()
        if self._pseudonyms.faults:
            raise KeysMissing("; ".join(_told(fault) for fault in self._pseudonyms.faults))

    def check(self, mark: str, spec: ExportSpec) -> None:
        """Raises ChunkFault where rows would be told from others, or be given other pseudonyms, than at the hub."""
        if subject_mark(self.subjects) != mark:
            raise _lacking("执行进程的标识密钥与汇通不同", "the worker's subject key is not the hub's")
        self._pseudonyms.refresh()
        missing = {str(mask.parameters[-1]) for mask in _masks(spec) if pseudonymises(mask) and KEYS.find(str(mask.parameters[-1])) is None}
        if missing:
            raise _lacking(f"执行进程缺少假名密钥 {', '.join(sorted(missing))}", f"the worker lacks pseudonym keys: {', '.join(sorted(missing))}")


def needless(directory: Path) -> list[str]:
    """What else there is of keys, by name: those that sign for the log, or for tokens, have no business on a worker's machine."""
    beside = [entry for entry in sorted(directory.glob("*")) if entry.name not in (SUBJECT_KEY, FOLDER)]
    return [entry.name + "/" * entry.is_dir() for entry in beside if any(_is_key(found) for found in (entry, *entry.rglob("*")))]


def subject_mark(subjects: Subjects) -> str:
    """By what hub and worker see that they have the same subject key; tells nothing of it."""
    return subjects.hash("huitong exchange worker", "subject key")


def _is_key(path: Path) -> bool:
    return path.suffix in (".key", ".pem") and not path.is_dir()


def _masks(spec: ExportSpec) -> Iterator[Mask]:
    for reading in spec.readings:
        yield from (output.mask for output in reading.selection.outputs if isinstance(output, Column) and output.mask is not None)
    pending: list[Leaf | Branch] = list(spec.fields)
    while pending:
        each = pending.pop()
        if isinstance(each, Branch):
            pending += each.fields
        elif each.mask is not None:
            yield each.mask


def _lacking(zh: str, en: str) -> ChunkFault:
    return ChunkFault("INTERNAL", zh, en, retryable=True)


def _told(fault: KeyFault) -> str:
    return str(fault)
