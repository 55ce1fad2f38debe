"""Where tests put what is theirs for a moment: in memory where there is plenty, for no test is about a disk's pace, and thousands of fsyncs are."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")
_NAME = "huitong-tests-"
_REMOVE = 'while kill -0 "$1"; do sleep 0.5; done; rm -rf "$2"'
_ENOUGH = 8 * 2**30
"""Bytes free: all workers of a whole run with their servers take about three GiB."""


def pytest_configure(config: pytest.Config) -> None:
    """Of the process that starts the workers. Whoever sets TMPDIR, for instance to see what a failed test left behind, has it there."""
    if hasattr(config, "workerinput") or "TMPDIR" in os.environ or not _plenty():
        return
    for left in _MEMORY.glob(f"{_NAME}*"):
        if not Path("/proc", left.name.removeprefix(_NAME)).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = _MEMORY / f"{_NAME}{os.getpid()}"
    folder.mkdir(exist_ok=True)
    # Database servers run as somebody else, and put files there as well.
    folder.chmod(0o1777)
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    # By somebody else, for what this process has there is given up only as it ends, and it may be killed.
    nothing = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_RDWR, 0), (os.POSIX_SPAWN_DUP2, 1, 2)
    os.posix_spawnp("sh", ["sh", "-c", _REMOVE, "sh", str(os.getpid()), str(folder)], os.environ, file_actions=nothing, setsid=True)


def _plenty() -> bool:
    try:
        return os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH
    except OSError:
        return False
