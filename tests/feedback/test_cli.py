"""``huitong feedback`` from the report to the end, in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from hub.cli.app import run
from hub.clock import Hand
from hub.core import Core
from hub.sharing.tables import step
from tests.feedback.ways import LATER, public, report

pytestmark = pytest.mark.slow
Told = tuple[int, str, str]


@pytest.fixture
def told(core: Core, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Exit code, output and errors of ``huitong feedback``."""
    monkeypatch.setenv("HUITONG_HOME", str(Path(core.settings.home)))

    def call(*arguments: Any) -> Told:
        capsys.readouterr()
        code = run(["feedback", *map(str, arguments)])
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


def test_a_whole_way_at_the_command_line(core: Core, hand: Hand, told: Callable[..., Told]) -> None:
    number = report(core, text="出生日期\x1b[31m有误".replace("\x1b", "\t")).case.id
    assert "VERIFYING, provider → 2026-02-28" in told("accept", number, "--actor", "zhou")[1]
    code, _, err = told("correct", number, "--item", "birth_date", "--actor", "zhou")
    assert (code, "asOf" in err) == (1, True)
    hand.set(LATER)
    assert told("correct", number, "--item", "birth_date", "--as-of", "today")[0] == 1
    assert "CORRECTED, consumer → 2026-03-02" in told("correct", number, "--item", "birth_date", "--as-of", "2026-02-10T09:30:00", "--actor", "zhou")[1]
    assert told("object", number, "--opinion", "仍不符", "--actor", "zhou")[0] == 1, "zhou answered"
    assert "REOPENED, authority" in told("object", number, "--opinion", "仍不符", "--actor", "li")[1]
    assert "CLOSED" in told("decide", number, "uphold", "--opinion", "属实", "--actor", "wu")[1]
    shown = told("show", number)[1]
    assert r"出生日期\t[31m有误" in shown
    assert "items: birth_date; asOf: 2026-02-10T01:30:00.000000+00:00" in shown
    assert number in told("list", "--state", "CLOSED")[1]
    assert told("list", "--state", "NOWHERE")[0] == 1
    assert told("show", "feedback_x")[0] == 1


def test_the_other_answers_and_passing_on(core: Core, told: Callable[..., Told]) -> None:
    first, second, third = (report(core, text=text).case.id for text in ("一", "二", "三"))
    assert "water_supply" in told("transfer", first, "water_supply", "--opinion", "x", "--actor", "zhou")[1]
    for number, act in ((first, "explain"), (second, "reject")):
        told("accept", number, "--actor", "zhou")
        assert told(act, number, "--actor", "zhou")[0] == 1, "reasons are given"
        assert told(act, number, "--opinion", "x", "--actor", "zhou")[0] == 0
    assert "CLOSED" in told("close", second, "--actor", "li")[1]
    assert told("list", "--kind", "COMPLAINT")[1].count("feedback_") == 0
    assert '"code_hash"' not in told("show", third, "--json")[1]


def test_nobody_closes_for_the_public(core: Core, told: Callable[..., Told]) -> None:
    number = public(core).case.id
    told("accept", number, "--actor", "zhou")
    told("explain", number, "--opinion", "x", "--actor", "zhou")
    code, _, err = told("close", number, "--actor", "li")
    assert (code, "查询码" in err) == (1, True)


def test_verify_names_what_was_altered(core: Core, told: Callable[..., Told]) -> None:
    number = report(core).case.id
    code, out, _ = told("verify")
    assert (code, "一致 sound: 1 " in out) == (0, True)
    with core.engine.begin() as connection:
        connection.execute(update(step).where(step.c.subject == number).values(actor="other"))
    code, out, _ = told("verify")
    assert (code, number in out, "NOT SOUND" in out) == (1, True, True)
    assert '"ok": false' in told("verify", "--json")[1]
