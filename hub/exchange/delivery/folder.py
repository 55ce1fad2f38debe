"""Delivery into a folder: one of its own for each exchange, files by temporary names first, the manifest last."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hub.exchange.delivery.config import Folder, within
from hub.exchange.delivery.faults import DeliveryFault, foreign
from hub.exchange.delivery.folder_names import PLACEHOLDER, give_name
from hub.exchange.delivery.target import MANIFEST, Go, Parcel, Target, pieces
from schema.faults import Code

_PIECE = 1 << 20
_FILE_MODE, _FOLDER_MODE = 0o640, 0o750
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def folder_target(destination: Folder, roots: tuple[str, ...], parcel: Parcel) -> Iterator[Target]:
    """The folder, held open: what others do to the path meanwhile leads nowhere else."""
    try:
        descriptor = os.open(destination.path.resolve(strict=True), _DIRECTORY)
    except OSError as fault:
        raise _unusable(fault) from None
    try:
        # The place that was opened, whatever links lay on the way.
        if not within(Path(f"/proc/self/fd/{descriptor}"), roots):
            raise DeliveryFault(Code.INTERNAL, "目标目录不在许可范围内", "the folder lies under none of the allowed roots", lasting=True)
        with _own(descriptor, parcel.exchange) as own:
            yield FolderTarget(own, destination.path / parcel.exchange, parcel)
    except OSError as fault:
        raise _unusable(fault) from None
    finally:
        os.close(descriptor)


@contextmanager
def _own(parent: int, name: str) -> Iterator[int]:
    with suppress(FileExistsError):
        os.mkdir(name, _FOLDER_MODE, dir_fd=parent)
        os.fsync(parent)
    try:
        descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
    except NotADirectoryError:
        raise foreign(name) from None
    except OSError as fault:
        # A link, which is not followed.
        raise foreign(name) if Path(f"/proc/self/fd/{parent}/{name}").is_symlink() else _unusable(fault) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class FolderTarget:
    """The exchange's own folder, by its descriptor."""

    def __init__(self, descriptor: int, path: Path, parcel: Parcel) -> None:
        self._at = descriptor
        self._parcel = parcel
        self.place = str(path)

    def there(self) -> bool:
        """The manifest is, and is this one; drafts of attempts before are taken away."""
        self._clear()
        found = self._content(MANIFEST, len(self._parcel.manifest) * 4 + _PIECE)
        if found is None:
            return False
        try:
            known = json.loads(found)["files"] == json.loads(self._parcel.manifest)["files"]
        except (ValueError, TypeError, KeyError):
            known = False
        if not known:
            raise foreign(MANIFEST)
        return True

    def deliver(self, go: Go) -> None:
        """A file that is there already is looked through, and not written again."""
        rows = sent = 0
        for file in self._parcel.files:
            go(rows, sent)
            held = self._digest(file.name)
            if held is None:
                self._write(file.name, self._asking(pieces(self._parcel, file, _PIECE), go, rows, sent), file.sha256)
            elif held != file.sha256:
                raise foreign(file.name)
            rows, sent = rows + file.rows, sent + file.bytes
        go(rows, sent)
        self._write(MANIFEST, iter([self._parcel.manifest]), hashlib.sha256(self._parcel.manifest).hexdigest())

    @staticmethod
    def _asking(found: Iterator[bytes], go: Go, rows: int, sent: int) -> Iterator[bytes]:
        for piece in found:
            yield piece
            sent += len(piece)
            go(rows, sent)

    def _write(self, name: str, content: Iterator[bytes], sha256: str) -> None:
        draft = f".{name}.{self._parcel.attempt}.part"
        try:
            with self._opened(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
                for piece in content:
                    view = memoryview(piece)
                    while view:
                        view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
            if self._digest(draft) != sha256:
                raise DeliveryFault(Code.INTERNAL, f"{name} 写入后摘要不符", f"{name} reads otherwise than it was written")
            try:
                give_name(self._at, draft, name, _FILE_MODE)
            except FileExistsError:
                raise foreign(name) from None
            os.fsync(self._at)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft, dir_fd=self._at)
            raise

    def _clear(self) -> None:
        with os.scandir(self._at) as found:
            names = {each.name for each in found}
        left = {name for name in names if name.startswith(".") and name.endswith(".part")}
        own = {MANIFEST, *(file.name for file in self._parcel.files)}
        for name in left | {name for name in names & own if self._content(name, len(PLACEHOLDER) + 1) == PLACEHOLDER}:
            os.unlink(name, dir_fd=self._at)

    @contextmanager
    def _opened(self, name: str, flags: int) -> Iterator[int]:
        # A pipe of that name would keep the hub waiting.
        descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, _FILE_MODE, dir_fd=self._at)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise foreign(name)
            yield descriptor
        finally:
            os.close(descriptor)

    def _digest(self, name: str) -> str | None:
        try:
            with self._opened(name, os.O_RDONLY) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return None

    def _content(self, name: str, most: int) -> bytes | None:
        try:
            with self._opened(name, os.O_RDONLY) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(most)
        except FileNotFoundError:
            return None


def _unusable(fault: OSError) -> DeliveryFault:
    return DeliveryFault(Code.SOURCE_UNAVAILABLE, f"目标目录不可用（{fault.strerror}）", f"the folder cannot be used ({fault.strerror})")
