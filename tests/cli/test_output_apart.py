"""What a command prints is what it was asked for: warnings of the hub stand on standard error."""

from __future__ import annotations

import pytest
import structlog

from tests.cli.conftest import Cli

pytestmark = pytest.mark.fast


def test_a_warning_is_no_part_of_what_a_command_prints(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("init").code == 0
    structlog.get_logger("hub").warning("told_meanwhile")
    told = capsys.readouterr()
    assert told.out == ""
    assert '"event": "told_meanwhile"' in told.err
