"""What tests of exchanges in chunks share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.cli.app import run
from hub.cli.pulling import remote
from tests.cli.conftest import Outcome
from tests.exchange.applicants import DOCUMENT, command
from tests.exchange.pulling import Proxy, proxied
from tests.hub.running import RunningHub


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are as short as they can be."""
    monkeypatch.setattr("hub.exchange.passage.PAUSE_SECONDS", 0.05)
    monkeypatch.setattr("hub.exchange.carrying.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("hub.exchange.carrying.TURN_SECONDS", 0.02)
    monkeypatch.setattr("hub.exchange.carrying.TOLD_SECONDS", 0.02)


@pytest.fixture
def proxy(hub: RunningHub) -> Iterator[Proxy]:
    """What stands before the hub."""
    with proxied(hub) as made:
        yield made


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """The document, in a file."""
    (tmp_path / "persons.graphql").write_text(DOCUMENT)
    return tmp_path / "persons.graphql"


@pytest.fixture
def verify(
    hub: RunningHub, proxy: Proxy, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Runs ``huitong exchange verify`` with the document, into ``tmp_path / "in"`` unless told otherwise."""
    for name in [name for name in os.environ if name.startswith("HUITONG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HUITONG_HOME", str(hub.home))
    monkeypatch.setattr(remote, "_FIRST_PAUSE", 0.01)

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(each) for each in command(proxy, document, tmp_path / "in", *arguments)])
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return call
