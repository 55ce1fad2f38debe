"""Delivery into a folder by a process that is killed, once around each of its system calls: under a final name is the whole file or none."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import pytest

from hub.exchange.delivery import folder_names
from hub.exchange.delivery.config import Destination
from hub.exchange.delivery.target import Parcel
from tests.exchange.delivery.parcels import bring, destination, parcel

pytestmark = pytest.mark.slow
CALLS = ("link", "unlink", "fsync", "write", "rename", "mkdir")


def without_links(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def dying(at: int) -> Callable[[Any], Any]:
    """Wraps calls so that the process dies before or behind one of them: at the step of this number."""
    steps = iter(range(1, 1000))

    def step() -> None:
        if next(steps) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(real: Any) -> Any:
        def call(*args: Any, **given: Any) -> Any:
            step()
            answer = real(*args, **given)
            step()
            return answer

        return call

    return wrapped


def killed(where: Destination, what: Parcel, root: Path, at: int, links: bool) -> bool:
    """Whether an attempt in a process of its own died at the step; else it brought everything."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            wrap = dying(at)
            for name in CALLS:
                setattr(os, name, wrap(getattr(os, name) if links or name != "link" else without_links))
            folder_names.moved = wrap(folder_names.moved)
            bring(where, what, root)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def attempts(tmp_path: Path, links: bool) -> Iterator[tuple[Destination, Parcel, Path]]:
    """Deliveries of which the first attempt died, one for each step that there is."""
    for at in range(1, 1000):
        base = tmp_path / str(at)
        (base / "root" / "in").mkdir(parents=True)
        where = destination(base / "root", kind="folder", url=f"file://{base}/root/in")
        what = parcel(base)
        if not killed(where, what, base / "root", at, links):
            assert at > len(what.files)
            return
        yield where, what, base / "root"


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_killed_anywhere_a_name_has_its_whole_file_or_none(tmp_path: Path, links: bool) -> None:
    for where, what, root in attempts(tmp_path, links):
        whole = {file.name: (what.folder / file.name).read_bytes() for file in what.files} | {"manifest.json": what.manifest}
        own = root / "in" / what.exchange
        found = {path.name: path.read_bytes() for path in own.glob("[!.]*")}
        assert found == {name: whole[name] for name in found}
        assert "manifest.json" not in found or found == whole
        with patch.object(os, "link", os.link if links else without_links):
            bring(where, replace(what, attempt=2), root)
        assert {path.name: path.read_bytes() for path in own.iterdir()} == whole
