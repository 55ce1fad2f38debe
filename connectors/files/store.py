"""The store that holds a source's folder: what lies in it, and a copy of one file. Nothing outside of the folder is ever opened."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from connectors.errors import ConfigFault
from connectors.files.places import STORES, local_folder, protocol_of
from connectors.files.text import CHUNK
from connectors.secrets import read_secret
from connectors.spi import SourceConfig
from connectors.threads import Threads

_THREADS = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a folder. ``name`` is its path inside the source's folder; ``modified`` is in nanoseconds since 1970, 0 where the store tells none."""

    name: str
    folder: bool
    size: int = 0
    modified: int = 0


class Unstable(Exception):
    """The file changed while it was copied, or is no longer there."""


class TooLarge(Exception):
    """The file is larger than allowed."""


class Store(Protocol):
    """Raises :class:`OSError` where the store is not reachable. Blocks, a store that hangs for long: called in ``threads`` alone."""

    threads: Threads

    def entries(self, folder: str) -> Iterator[Entry]:
        """What lies in a folder, by its path inside the source's folder (``""``: that itself); nothing where it does not exist."""
        ...

    def copy(self, entry: Entry, target: Path, most: int) -> str:
        """Copies a file of at most ``most`` bytes; returns the SHA-256 in hexadecimal digits.

        Raises:
            Unstable: it is not as ``entry`` says, before or after.
            TooLarge: it has more bytes.
        """
        ...


def open_store(config: SourceConfig, storage: Mapping[str, Any], closed: Path | None) -> Store:
    """The store of a source's ``url``; connects lazily.

    Raises:
        ConfigFault: no such store is known, or a package for it is missing.
    """
    try:
        folder = local_folder(config.url)
    except ValueError as error:
        raise ConfigFault(
            f"{config.code}: `url` names no folder: {error}", f"file:///absolute/path, or {', '.join(f'{each}://…' for each in STORES)}"
        ) from error
    threads = Threads(f"store {config.code}", _THREADS)
    return _Local(threads, folder, closed) if folder is not None else _Remote(threads, config, storage)


class _Local:
    def __init__(self, threads: Threads, folder: Path, closed: Path | None) -> None:
        self.threads = threads
        self._folder = folder
        self._closed = closed.resolve() if closed else None

    def entries(self, folder: str) -> Iterator[Entry]:
        try:
            names = sorted(path.name for path in self._inside(folder).iterdir())
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            if not folder:
                raise
            return
        for name in names:
            path = f"{folder}/{name}" if folder else name
            try:
                found = self._inside(path).stat()
            except OSError:
                continue
            if stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode):
                yield Entry(path, stat.S_ISDIR(found.st_mode), found.st_size, found.st_mtime_ns)

    def _inside(self, name: str) -> Path:
        """The real path of a name.

        Raises:
            PermissionError: it leads out of the folder, or to the hub's own files.
        """
        root = self._folder.resolve(strict=True)
        real = (root / name).resolve(strict=True)
        if not real.is_relative_to(root) or self._hubs_own(real):
            raise PermissionError("it leads out of the source's folder")
        return real

    def _hubs_own(self, path: Path) -> bool:
        return self._closed is not None and path.is_relative_to(self._closed) and not path.is_relative_to(self._closed / "demo")

    def copy(self, entry: Entry, target: Path, most: int) -> str:
        try:
            # The descriptor is what was checked: a name may lead elsewhere a moment later.
            descriptor = os.open(self._inside(entry.name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise Unstable from error
        with os.fdopen(descriptor, "rb") as file:
            if not self._still_inside(descriptor) or not self._same(descriptor, entry):
                raise Unstable
            digest = _copied(file, target, most)
            if not self._same(descriptor, entry):
                raise Unstable
        return digest

    def _still_inside(self, descriptor: int) -> bool:
        shown = Path(f"/proc/self/fd/{descriptor}")
        if not shown.exists():
            return True
        real = shown.readlink()
        return real.is_relative_to(self._folder.resolve()) and not self._hubs_own(real)

    @staticmethod
    def _same(descriptor: int, entry: Entry) -> bool:
        found = os.fstat(descriptor)
        return stat.S_ISREG(found.st_mode) and (found.st_size, found.st_mtime_ns) == (entry.size, entry.modified)


class _Remote:
    def __init__(self, threads: Threads, config: SourceConfig, storage: Mapping[str, Any]) -> None:
        self.threads = threads
        registry: Any = import_module("fsspec.registry")
        protocol = protocol_of(config.url)
        try:
            registry.get_filesystem_class(protocol)
        except (ImportError, ValueError) as error:
            hint = str(registry.known_implementations.get(protocol, {}).get("err") or f"install the package that fsspec needs for {protocol}")
            raise ConfigFault(f"{config.code}: a package for {protocol}:// is not installed", hint) from error
        options = dict(storage)
        secret = read_secret(config.code, config.secret)
        if secret is not None and STORES[protocol]:
            options[STORES[protocol]] = secret
        self._url, self._options = config.url, options
        self._opened: tuple[Any, str] | None = None

    def _system(self) -> tuple[Any, str]:
        """fsspec's file system and the folder in it."""
        if self._opened is None:
            core: Any = import_module("fsspec.core")
            system, root = core.url_to_fs(self._url, **self._options)
            self._opened = system, str(root).rstrip("/")
        return self._opened

    def entries(self, folder: str) -> Iterator[Entry]:
        system, root = self._system()
        system.invalidate_cache()
        try:
            found = system.ls(f"{root}/{folder}" if folder else root or "/", detail=True)
        except FileNotFoundError:
            if not folder:
                raise
            return
        for each in sorted(found, key=lambda each: str(each["name"])):
            name = str(each["name"]).rstrip("/").rpartition("/")[2]
            if name and name not in (".", ".."):
                yield Entry(f"{folder}/{name}" if folder else name, each["type"] == "directory", int(each.get("size") or 0), _modified(each))

    def copy(self, entry: Entry, target: Path, most: int) -> str:
        system, root = self._system()
        try:
            with system.open(f"{root}/{entry.name}", "rb") as file:
                digest = _copied(file, target, most)
            system.invalidate_cache()
            after = system.info(f"{root}/{entry.name}")
        except FileNotFoundError as error:
            raise Unstable from error
        if (int(after.get("size") or 0), _modified(after)) != (entry.size, entry.modified):
            raise Unstable
        return digest


def _copied(file: BinaryIO, target: Path, most: int) -> str:
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as copy:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise TooLarge
            digest.update(chunk)
            copy.write(chunk)
    return digest.hexdigest()


def _modified(found: Mapping[str, Any]) -> int:
    for name in ("mtime", "LastModified", "last_modified", "modified", "updated", "created"):
        value = found.get(name)
        if isinstance(value, datetime):
            return int(value.timestamp() * 1_000_000) * 1000
        if isinstance(value, int | float):
            return int(value * 1_000_000) * 1000
    return 0
