"""What commands print of names that somebody else chose."""

from __future__ import annotations

import sys

import pytest

from hub.cli.output import note, say, show_rows

pytestmark = pytest.mark.fast
HOSTILE = "局\x1b]0;x\x07\u202e[/red]:smile:\x9b2J"
SHOWN = "局\ufffd]0;x\ufffd\ufffd[/red]:smile:\ufffd2J"


def test_names_steer_no_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    say(f"a\n{HOSTILE}")
    note(HOSTILE)
    show_rows([{"name": HOSTILE}], False, "")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show_rows([{"name": HOSTILE}], False, "")
    out, err = capsys.readouterr()
    assert [line.strip() for line in out.splitlines() if "局" in line] == [SHOWN] * 3
    assert err == f"{SHOWN}\n"
