"""The table of subjects and claims: a file as it is, or what a database's table holds, read into a file that has no name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import IO, Protocol

import typer

from hub.cli.exchange_options import Charset
from hub.cli.faults import CliFault
from hub.cli.output import note
from hub.cli.verifying.address import Address
from hub.cli.verifying.database import write_rows
from hub.cli.verifying.document import Document

MEDIA = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
}
"""Suffix → media type of the upload."""
_OFFER = f"文件 files: {', '.join(MEDIA)}；库表 tables: sqlite:///PATH, postgresql://, mariadb://, mysql://USER@HOST:PORT/DATABASE --table NAME"


class Table(Protocol):
    """Subjects and claims, row by row."""

    @property
    def media(self) -> str:
        """The media type of its content."""
        ...

    @property
    def place(self) -> str:
        """Where it lies."""
        ...

    def version(self) -> str:
        """By what it is seen that it has changed since; empty where nobody can say."""
        ...

    def opened(self, document: Document, keep: Sequence[str], folder: Path) -> AbstractAsyncContextManager[IO[bytes]]:
        """Its content, a file whose size is known; what has to be written for it lies in ``folder``, and is gone with the context.

        Raises:
            CliFault: it cannot be read, or is not what the document asks for.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileTable:
    """A file."""

    path: Path
    media: str

    @property
    def place(self) -> str:
        """Its path."""
        return str(self.path.absolute())

    def version(self) -> str:
        """Size and time of the last change; empty where it is gone, which matters no more once it is uploaded."""
        try:
            found = self.path.stat()
        except OSError:
            return ""
        return f"{found.st_size} {found.st_mtime_ns}"

    @asynccontextmanager
    async def opened(self, document: Document, keep: Sequence[str], folder: Path) -> AsyncIterator[IO[bytes]]:
        """As it is: the hub looks at its columns."""
        del document, keep, folder
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as fault:
            raise CliFault(f"{self.path} 无法读取 cannot be read: {fault.strerror}", "请核对路径与权限 check path and permissions") from None
        if not S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise CliFault(f"{self.path} 不是文件 is no file", _OFFER)
        with os.fdopen(descriptor, "rb") as file:
            yield file


@dataclass(frozen=True, slots=True)
class DatabaseTable:
    """A table or view of a database that this command reads: the hub learns neither its address nor its password."""

    address: Address
    name: str
    media: str = MEDIA[".jsonl"]

    @property
    def place(self) -> str:
        """Database and table."""
        return f"{self.address.shown} {self.name}"

    def version(self) -> str:
        """None: tables change all the time."""
        return ""

    @asynccontextmanager
    async def opened(self, document: Document, keep: Sequence[str], folder: Path) -> AsyncIterator[IO[bytes]]:
        """Its rows as JSON Lines, for their owner alone and without a name: whatever ends this process, nothing is left of them."""
        with ExitStack() as stack:
            with _writing(folder):
                file = stack.enter_context(tempfile.TemporaryFile(dir=folder))
                rows = await write_rows(self.address, self.name, document, keep, file)
                file.flush()
            note(f"已读取 read: {self.name}: {rows} 行 rows")
            yield file


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise CliFault(f"{folder}: 无法写入 cannot be written: {fault.strerror}", "腾出空间，或换一个目录 make room, or another folder: --into DIR") from None


def table_of(given: str, name: str | None, charset: Charset | None, secret_file: Path | None) -> Table:
    """The table that the options name.

    Raises:
        CliFault: it is of no kind that can be read, or its address holds a password.
        typer.BadParameter: options that do not go together.
    """
    if "://" in given:
        address = Address.parsed(given, secret_file)
        if name is None:
            raise typer.BadParameter("须指明库表 name the table: --table [SCHEMA.]NAME", param_hint="--table")
        if charset is not None:
            raise _not_for("--charset", "CSV")
        return DatabaseTable(address, name)
    media = MEDIA.get(Path(given).suffix.lower())
    if media is None:
        raise CliFault(f"不能读取这种表格 a table of this kind cannot be read: {given.rpartition('@')[2]}", _OFFER)
    for option, value in (("--table", name), ("--table-secret-file", secret_file)):
        if value is not None:
            raise _not_for(option, "库表 a database's table")
    if media != MEDIA[".csv"] and charset is not None:
        raise _not_for("--charset", "CSV")
    return FileTable(Path(given), f"{media}; charset={charset or Charset.UTF_8}" if media == MEDIA[".csv"] else media)


def _not_for(option: str, kind: str) -> typer.BadParameter:
    return typer.BadParameter(f"仅用于 is for {kind}", param_hint=option)
