"""Faults that a person at the command line can mend, and how each is told: what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from auth.keys import KeyFault as TokenKeyFault
from hub.catalog.problems import Problem, Refused
from hub.cli.output import note
from hub.clock import ClockFault
from hub.core import HomeFault
from hub.demo.divisions import DivisionsMissing
from hub.demo.launch import ServiceFailed
from hub.exchange.executors.dask_tls import DaskFault
from hub.ledger.errors import DeviceFault, EntryRejected, KeyFault, KeyMissing, LedgerCorrupt, LedgerUnavailable
from hub.settings import SettingsFault
from hub.sharing.rules.files import RuleFault
from hub.store.migrate import StoreFault
from hub.witness.state import WitnessFault

FAILED, NOT_REACHABLE = 1, 3


class CliFault(Exception):
    """The command was not done. ``code`` is its exit code."""

    def __init__(self, message: str, remedy: str = "", code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code


class ManifestRefused(Exception):
    """A manifest was not imported; ``problems`` name every fault in ``file``."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        super().__init__(file)
        self.file = file
        self.problems = problems


EXPECTED = (
    CliFault,
    ManifestRefused,
    Refused,
    HomeFault,
    SettingsFault,
    RuleFault,
    ClockFault,
    StoreFault,
    KeyFault,
    KeyMissing,
    DeviceFault,
    TokenKeyFault,
    LedgerCorrupt,
    LedgerUnavailable,
    EntryRejected,
    ServiceFailed,
    DaskFault,
    DivisionsMissing,
    WitnessFault,
    SQLAlchemyError,
)


def tell(fault: Exception) -> int:
    """Writes the fault to standard error; returns the exit code."""
    if isinstance(fault, ManifestRefused):
        return _tell_manifest(fault)
    if isinstance(fault, Refused):
        for problem in fault.problems:
            _write(f"{problem.path}: {problem.message}" if problem.path else problem.message, problem.hint)
        return FAILED
    if isinstance(fault, CliFault):
        _write(fault.message, fault.remedy)
        return fault.code
    if isinstance(fault, SQLAlchemyError):
        # Its text may quote the statement; the driver's own words say enough.
        _write(f"控制库出错 the control database failed: {getattr(fault, 'orig', None) or type(fault).__name__}", "huitong doctor")
        return FAILED
    _write(str(fault))
    return FAILED


def _tell_manifest(fault: ManifestRefused) -> int:
    for problem in fault.problems:
        place = fault.file if problem.line is None else f"{fault.file}:{problem.line}"
        path = f"{problem.path}: " if problem.path and not problem.message.startswith(problem.path) else ""
        _write(f"{place}: {path}{problem.message}", problem.hint, "")
    count = len(fault.problems)
    _write(f"{fault.file}: {count} 处错误，未导入任何内容 {count} fault(s); nothing was imported")
    return FAILED


def _write(message: str, remedy: str = "", prefix: str = "错误 error: ") -> None:
    note(f"{prefix}{message}")
    if remedy:
        note(f"  → {remedy}")
