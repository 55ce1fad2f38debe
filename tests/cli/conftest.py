"""A home of the test's own, and the command line to use it with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hub.cli.app import run


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


Cli = Callable[..., Outcome]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is not there yet, and an environment that says nothing else."""
    for name in ("PORT", "HOST", "SEED_PERSONS", "HUITONG_DEMO_BEYOND_LOOPBACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs ``huitong`` with these arguments in this process."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def fresh_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was initialised and never used, to copy."""
    made = tmp_path_factory.mktemp("fresh") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUITONG_HOME", str(made))
        assert run(["init"]) == 0
    return made


@pytest.fixture
def initialised(cli: Cli, home: Path, fresh_home: Path) -> Cli:
    """The command line on a home that was initialised."""
    shutil.copytree(fresh_home, home)
    return cli
