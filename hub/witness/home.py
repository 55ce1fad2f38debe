"""A witness's home: one directory with its name, its key, the logs it knows and what it has cosigned."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.witness.keys import make_key, read_cosigner
from hub.witness.state import WitnessFault, WitnessState
from hub.witness.trust import Trust
from hub.witness.witness import Witness


@dataclass(frozen=True, slots=True)
class WitnessHome:
    """The directory. It has nothing to do with a hub's home."""

    path: Path

    @property
    def logs(self) -> Path:
        """The file of known logs."""
        return self.path / "logs.toml"

    @property
    def database(self) -> Path:
        """The file of what was cosigned."""
        return self.path / "witness.db"

    @property
    def key(self) -> Path:
        """The private key."""
        return self.path / "witness.pem"

    def make(self, name: str) -> Witness:
        """Makes the directory and a witness of this name in it; a witness that is there already stays as it is, if it has this name.

        Raises:
            WitnessFault: it cannot be made, or another witness lives there.
            KeyFault: the name cannot name a witness, or the key cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._name.exists():
                if self.name() != name:
                    raise WitnessFault(f"{self.path} 属于见证 is the home of the witness {self.name()}: 请更换目录 choose another --home")
                return self.open()
            if any(path.exists() for path in (self.key, self.database)):
                raise WitnessFault(f"{self.path} 含有不完整的见证 holds an incomplete witness: 请更换目录 choose another --home")
            make_key(self.key)
            read_cosigner(self.key, name)
            WitnessState.create(self.database)
            # Last: a home that has its name is whole.
            self._write_name(name)
        except OSError as fault:
            raise WitnessFault(f"{self.path}: {fault.strerror}: 请更换目录 choose another --home") from None
        return self.open()

    def name(self) -> str:
        """The witness's name.

        Raises:
            WitnessFault: there is no witness.
        """
        try:
            return self._name.read_text(encoding="utf-8").strip()
        except OSError:
            raise WitnessFault(f"{self.path} 中没有见证 holds no witness: run `huitong witness init NAME`, or give --home") from None

    def open(self) -> Witness:
        """The witness.

        Raises:
            WitnessFault: there is none, or its files cannot be used.
            KeyFault: its key cannot be used.
        """
        cosigner = read_cosigner(self.key, self.name())
        return Witness(cosigner, Trust(self.logs), WitnessState(self.database))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Held by the one process that serves.

        Raises:
            WitnessFault: another one does.
        """
        with (self.path / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WitnessFault(f"另一个见证进程正在使用 another process serves from {self.path}: 请先停止 stop it") from None
            yield

    @property
    def _name(self) -> Path:
        return self.path / "name"

    def _write_name(self, name: str) -> None:
        made = self.path / f".name.{os.getpid()}"
        with made.open("w", encoding="utf-8") as file:
            file.write(f"{name}\n")
            file.flush()
            os.fsync(file.fileno())
        made.replace(self._name)
