"""What the server and the command line share: the control database, the ledger, the keys, and the services that act on them."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine

from auth.keys import KeyRing
from hub.acts import Acts
from hub.catalog.service import CatalogService
from hub.feedback.public import Pace
from hub.feedback.service import FeedbackService
from hub.feedback.sweep import FeedbackSweep
from hub.ledger.append import Ledger
from hub.ledger.device import DeviceKey, DeviceSigner
from hub.ledger.digest import DigestName, digest_of, named
from hub.ledger.ring import KeyRing as LedgerKeys
from hub.ledger.service import LedgerService, held_log
from hub.ledger.subjects import Subjects
from hub.people.service import PeopleService
from hub.pseudonyms.files import FOLDER
from hub.pseudonyms.service import PseudonymKeyService
from hub.settings import Settings
from hub.sharing.disposals import Disposals
from hub.sharing.registry import Registry
from hub.sharing.requests import RequestService
from hub.sharing.rules import RuleBook
from hub.sharing.service import SharingService
from hub.sharing.sweep import Sweep
from hub.space import Space
from hub.store.engine import open_engine
from hub.store.migrate import upgrade
from hub.witness.witnessing import Witnessing
from schema.cursors import KEY_BYTES

LOG_BASE = "huitong.ledger"
TOKEN_KEYS = "tokens"  # noqa: S105 - a directory's name
"""Directory of the keys that sign access tokens, among the hub's keys."""


class HomeFault(Exception):
    """The hub's home cannot be used. ``str()`` says why and what to do."""


@dataclass(frozen=True)
class Core:
    """The opened parts of one hub."""

    settings: Settings
    engine: Engine
    log: LedgerService
    ledger: Ledger
    subjects: Subjects
    acts: Acts
    catalog: CatalogService
    sharing: SharingService
    requests: RequestService
    disposals: Disposals
    sweep: Sweep
    registry: Registry
    cursor_key: bytes
    people: PeopleService
    people_key: bytes
    """Seals the secrets of one-time codes."""
    book: RuleBook
    """The rule sets of the settings."""
    pseudonyms: PseudonymKeyService
    space: Space
    """Free space where the hub writes."""
    feedback: FeedbackService
    witnessing: Witnessing

    def close(self) -> None:
        """Gives the database connections back."""
        self.engine.dispose()


def open_core(settings: Settings) -> Core:
    """Opens an initialised home, bringing its control database up to date.

    Raises:
        HomeFault: the home was never initialised or cannot be written.
        RuleFault: a rule set that the settings name cannot be used.
    """
    engine = _database(settings)
    log = log_name(engine, settings.ledger_digest)
    service = LedgerService.assemble(engine, settings.keys, log, _devices(settings, log))
    acts = Acts(service.ledger)
    catalog = CatalogService(engine, acts, settings.home)
    pseudonyms = PseudonymKeyService(engine, acts, settings.keys / FOLDER, settings.pseudonym_digest)
    pseudonyms.open()
    registry = Registry(engine)
    registry.refresh()
    book = RuleBook.open(settings.rule_sets, settings.rules)
    sharing = SharingService(engine, acts, catalog.load, book, settings.recorded_grants == "allowed")
    requests, disposals = RequestService(engine, acts, catalog.load, book), Disposals(engine, acts, book)
    pace = Pace(engine, service.subjects, settings.public_feedback_per_address, settings.public_feedback_per_day)
    feedback = FeedbackService(engine, acts, catalog.load, book, pace, settings.feedback_confirmation_days)
    sweep = Sweep(engine, acts, book, requests, sharing.grant_acts, (FeedbackSweep(engine, book, feedback).run,))
    cursor_key, people_key = (_secret_key(settings.keys / name) for name in ("cursor.key", "people.key"))
    people = PeopleService(engine, acts)
    shared = (sharing, requests, disposals, sweep)
    space = Space(settings, service.ledger)
    own = (registry, cursor_key, people, people_key)
    beside = (space, feedback, Witnessing(settings.witnessing, service))
    return Core(settings, engine, service, service.ledger, service.subjects, acts, catalog, *shared, *own, book, pseudonyms, *beside)


def _devices(settings: Settings, log: str) -> list[DeviceSigner]:
    if not settings.ledger_device or settings.ledger_device_key is None:
        return []
    key = DeviceKey.read(settings.ledger_device_key, log)
    return [DeviceSigner(settings.ledger_device, key, required=settings.ledger_device_required, seconds=settings.ledger_device_seconds)]


def _database(settings: Settings) -> Engine:
    if not settings.keys.is_dir():
        raise HomeFault(f"{settings.home} 尚未初始化 is not initialised: run `huitong init` (or `huitong demo` to look around)")
    upgrade(settings.database_url)
    return open_engine(settings.database_url)


@contextmanager
def opened_log(settings: Settings) -> Iterator[tuple[Engine, LedgerKeys]]:
    """The control database and the ledger's keys, without all else: the key in force may be missing.

    Raises:
        HomeFault: as ``open_core``.
    """
    engine = _database(settings)
    try:
        yield engine, LedgerKeys(settings.keys, log_name(engine, settings.ledger_digest))
    finally:
        engine.dispose()


def log_name(engine: Engine, digest: Literal["", DigestName]) -> str:
    """The name of the hub's log: that of the control database, or for a new log the one that tells its hash function.

    Raises:
        HomeFault: the log that is there has another hash function than the setting asks for.
    """
    held = held_log(engine)
    if held is not None and digest and digest_of(held).name != digest:
        raise HomeFault(
            f"日志 {held} 的杂凑算法为 {digest_of(held).name}，设置为 {digest}；初始化后不能更换 the ledger {held} hashes with {digest_of(held).name}, "
            f"the setting ledger_digest asks for {digest}: 请删去该设置 take the setting away; a log keeps its hash function for ever"
        )
    return held or named(LOG_BASE, digest or "SHA256")


def initialise(settings: Settings) -> None:
    """Makes the home: directories for its own user alone, keys, an empty control database. Makes no account and no credential."""
    try:
        for directory in (settings.home, settings.keys, settings.exchanges):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _close_to_others(directory)
    except OSError as error:
        raise HomeFault(f"{settings.home}: {error.strerror}: 请更换 HUITONG_HOME choose another HUITONG_HOME") from None
    open_core(settings).close()
    # Whoever copies the keys to a further node has them all.
    KeyRing(settings.keys / TOKEN_KEYS)


def _close_to_others(directory: Path) -> None:
    """A directory that was there already may be open to others."""
    found = directory.stat()
    if found.st_uid == os.getuid() and found.st_mode & 0o077:
        directory.chmod(0o700)


def _secret_key(path: Path) -> bytes:
    if not path.exists():
        made = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    return path.read_bytes()


@contextmanager
def home_lock(home: Path, shared: bool = False) -> Iterator[None]:
    """Held by the one server of a home; by each of them where the control database lets several be (``Settings.shared``).

    Raises:
        HomeFault: another hub serves from this home.
    """
    with (home / "lock").open("a+") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read(20).strip()
            who = f" (pid {pid})" if pid.isdigit() else ""
            raise HomeFault(f"另一个汇通实例正在使用 another hub serves from {home}{who}: 请先停止或更换 stop it, or choose another HUITONG_HOME") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
