"""A place that takes what a finished exchange made: the protocol, and what is brought there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from hub.exchange.delivery.config import S3, Destination, Folder, Table
from hub.exchange.delivery.faults import DeliveryFault
from hub.exchange.store import FileRecord
from hub.ledger.entry import Medium
from schema.faults import Code

MANIFEST = "manifest.json"
"""Comes last: where it is, all is."""
Go = Callable[[int, int], None]
"""Asked before each piece leaves, with the rows and bytes that have left: raises where no more may."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A finished exchange. ``digest`` is that of its files list, as the ledger's entry has it; ``finished`` tells newer from older."""

    exchange: str
    attempt: int
    format: str
    folder: Path
    files: tuple[FileRecord, ...]
    digest: str
    manifest: bytes
    finished: datetime

    @property
    def rows(self) -> int:
        """Of all files."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.bytes for file in self.files)


class Target(Protocol):
    """A destination that was reached, for one parcel."""

    place: str
    """Where it will lie, as its owner is told."""

    def there(self) -> bool:
        """Whether all of the parcel has arrived already, in an attempt whose end nobody saw. Tidies up what such attempts left."""
        ...

    def deliver(self, go: Go) -> None:
        """Brings it there; may be repeated after any interruption.

        Raises:
            DeliveryFault: it did not come to be.
        """
        ...


def medium_of(destination: Destination) -> Medium:
    """介质类型, as LOG-01 wants it entered."""
    return "TABLE" if isinstance(destination, Table) else "FILE"


def open_target(destination: Destination, roots: tuple[str, ...], parcel: Parcel) -> AbstractContextManager[Target]:
    """Reaches the destination, for a worker thread.

    Raises:
        DeliveryFault: it cannot be reached, or not be used. So does the context.
    """
    match destination:
        case Folder():
            from hub.exchange.delivery.folder import folder_target

            return folder_target(destination, roots, parcel)
        case S3():
            from hub.exchange.delivery.s3 import s3_target

            return s3_target(destination, parcel)
        case Table():
            from hub.exchange.delivery.table import table_target

            return table_target(destination, roots, parcel)


def pieces(parcel: Parcel, file: FileRecord, size: int) -> Iterator[bytes]:
    """A file of the exchange, piece by piece.

    Raises:
        DeliveryFault: it is not what it was when it was made.
    """
    digest = hashlib.sha256()
    try:
        with (parcel.folder / file.name).open("rb") as source:
            while piece := source.read(size):
                digest.update(piece)
                yield piece
    except OSError as fault:
        raise DeliveryFault(Code.INTERNAL, f"文件 {file.name} 无法读取", f"the file {file.name} cannot be read ({fault.strerror})") from None
    if digest.hexdigest() != file.sha256:
        raise damaged(file)


def damaged(file: FileRecord) -> DeliveryFault:
    """The hub's own file is not what the manifest says."""
    return DeliveryFault(Code.INTERNAL, f"文件 {file.name} 与清单不符", f"the file {file.name} is not what the manifest says", lasting=True)
