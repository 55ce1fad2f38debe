"""A small log of several batches, and the verifier's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.ledger.receipt import Receipt
from hub.ledger.service import LedgerService
from tests.ledger.build import open_service
from tests.verifier.build import Log, fill, told

Tell = Callable[..., tuple[int, dict[str, Any]]]
SIZES = (2, 3, 6, 7)
"""Of the log when it was published."""


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LedgerService, list[Receipt]]]:
    """Seven entries in four batches, a checkpoint after each, and their receipts; nobody writes to it."""
    service = open_service(tmp_path_factory.mktemp("verified"))
    yield service, fill(service, (2, 1, 3, 1))
    service.engine.dispose()


@pytest.fixture
def log(filled: tuple[LedgerService, list[Receipt]], tmp_path: Path) -> Log:
    """The log, and a folder of the test's own for what is made of it."""
    return Log(filled[0], tmp_path)


@pytest.fixture
def receipts(filled: tuple[LedgerService, list[Receipt]]) -> list[Receipt]:
    """Its receipts, by entry."""
    return filled[1]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Runs the verifier: exit code and report."""
    return lambda *arguments: told(capsys, *arguments)
