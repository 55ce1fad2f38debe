"""The files of the pseudonyms' master keys: ``p<version>.key``, TOML, for the hub's own user alone."""

from __future__ import annotations

import base64
import os
import re
import secrets
import tomllib
from pathlib import Path

from auth.keys import KeyFault, sync
from masking.pseudonym import KEYS, SECRET_BYTES, MasterKey

FOLDER = "pseudonyms"
"""The directory of the master keys, among the hub's keys."""
_NAME = re.compile(r"p([1-9][0-9]{0,5})\.key\Z")


class KeyFiles:
    """The master keys in a directory, held for the masks of this process as of the last ``refresh``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: object = None
        self.keys: dict[int, MasterKey] = {}
        """By version."""
        self.faults: list[KeyFault] = []
        """Of the last refresh: files that cannot be used. Pseudonyms of their versions are withheld."""

    def refresh(self) -> bool:
        """Takes over what changed in the directory; whether anything did. A look that finds no change reads no file."""
        seen = _listing(self._directory)
        if seen == self._seen:
            return False
        keys, faults = {}, []
        for name, *_ in seen:
            try:
                key = _load(self._directory / name)
                keys[key.version] = key
            except KeyFault as fault:
                faults.append(fault)
        self.keys, self.faults, self._seen = keys, faults, seen
        KEYS.hold(str(self._directory.absolute()), keys.values())
        return True

    def add(self, version: int, digest: str) -> MasterKey:
        """Makes the key of a version.

        Raises:
            KeyFault: the version has a file already.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = MasterKey(version, digest, secrets.token_bytes(SECRET_BYTES))
        path = self._path(version)
        part = path.with_suffix(f".{secrets.token_hex(8)}")
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(f'version = {version}\ndigest = "{digest}"\nsecret = "{base64.b64encode(key.secret).decode()}"\n')
                file.flush()
                os.fsync(file.fileno())
            os.link(part, path)
        except FileExistsError:
            raise KeyFault(f"{path} exists already", "move it out of the directory; it belongs to another control database") from None
        finally:
            part.unlink()
        sync(self._directory)
        self.refresh()
        return key

    def remove(self, version: int) -> bool:
        """Deletes the key of a version; whether it was here."""
        path = self._path(version)
        if not path.exists():
            return False
        path.unlink()
        sync(self._directory)
        self.refresh()
        return True

    def _path(self, version: int) -> Path:
        return self._directory / f"p{version}.key"


def _listing(directory: Path) -> list[tuple[str, int, int, int]]:
    try:
        with os.scandir(directory) as found:
            names = [one.name for one in found if _NAME.match(one.name)]
    except FileNotFoundError:
        return []
    return sorted(look for name in names if (look := _look(directory / name)))


def _look(path: Path) -> tuple[str, int, int, int] | None:
    try:
        look = path.stat()
    except FileNotFoundError:
        # Taken away meanwhile, or a link to nothing: the others are there all the same.
        return None
    return path.name, look.st_mtime_ns, look.st_size, look.st_mode


def _load(path: Path) -> MasterKey:
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFault(f"the pseudonyms' key {path} can be read by others than its owner", f"run: chmod 600 {path}")
        found = tomllib.loads(path.read_text("ascii"))
        key = MasterKey(int(found["version"]), str(found["digest"]), base64.b64decode(found["secret"], validate=True))
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        raise KeyFault(f"{path} is no master key of pseudonyms", "restore it from a backup, or copy it from another node") from None
    if path.name != f"p{key.version}.key":
        raise KeyFault(f"{path} holds version {key.version}", f"name it p{key.version}.key")
    return key
