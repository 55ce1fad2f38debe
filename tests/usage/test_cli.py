"""``huitong usage``: figures, the audit with its exit codes, and the rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from hub.clock import clock
from hub.ledger.entry import EntryDraft
from hub.store.engine import open_engine
from hub.usage import tables
from tests.catalog.homes import new_core
from tests.cli.conftest import Cli, cli, home
from tests.usage.build import access, beijing, call

__all__ = ["cli", "home"]
pytestmark = pytest.mark.slow


def filled(tmp_path: Path, *drafts: EntryDraft) -> None:
    """The home of the command line, with these entries."""
    with new_core(tmp_path) as core:
        for draft in drafts:
            core.ledger.append_sync(draft)
        core.log.publisher.publish_all()


def forge(home: Path) -> None:
    """Raises every counted figure."""
    engine = open_engine(f"sqlite:///{home / 'control.db'}")
    with engine.begin() as connection:
        connection.execute(update(tables.day).values(counted=1_000_000))
    engine.dispose()


def test_figures_their_audit_and_a_forged_figure(cli: Cli, home: Path, tmp_path: Path) -> None:
    with clock.at(beijing("2026-03-02T09:00:00")):
        filled(tmp_path, call("2026-03-01T10:00:00"), call("2026-03-01T10:30:00", "tax-app", access(rows=4)), call("2026-03-02T09:00:00"))
        shown = cli("usage", "show", "--by", "application", "--json")
        assert [(row["code"], row["calls"], row["rows"]) for row in shown.data] == [("housing-app", 2, 2), ("tax-app", 1, 4)]
        told = cli("usage", "show", "--by", "day", "--to", "2026-03-01").out.splitlines()
        assert (told[0].split("\t")[:3], told[1].split("\t")[:3]) == (["code", "calls", "ok"], ["2026-03-01", "2", "2"])
        assert cli("usage", "recompute", "--check").code == 0
        forge(home)
        wrong = cli("usage", "recompute", "--check")
        assert (wrong.code, "2 days differ" in wrong.out, "counted 1000000 ≠ 1" in wrong.err) == (1, True, True)
        assert cli("usage", "recompute").code == 0
        sound = cli("usage", "recompute", "--check", "--json")
        assert (sound.code, [(each["day"], each["state"]) for each in sound.data]) == (0, [("2026-03-01", "OK"), ("2026-03-02", "OPEN")])


def test_rules_of_a_day(cli: Cli, home: Path) -> None:
    assert [rule["id"] for rule in cli("usage", "rules", "--json").data] == ["SELF_CALL", "DOWNLOAD", "REPEAT", "SHARE_CAP"]
    assert cli("usage", "rules", "--on", "2010-01-01").out.startswith("当日没有规则")
    home.mkdir()
    (home / "usage-rules.toml").write_text("[[versions]]\nin_force_from = 2020-01-01\n[[versions.rules]]\nid = 'x'\n")
    assert "usage-rules.toml: versions[0].rules[0].id" in cli("usage", "rules").err


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_days_at_the_ends_of_the_calendar_are_told_as_none(cli: Cli, tmp_path: Path, day: str) -> None:
    """Days beside them cannot be reckoned with."""
    for command in (("recompute", "--check"), ("report", "--output", tmp_path / "usage.html")):
        shown = cli("usage", *command, "--from", day, "--to", day)
        assert (shown.code, "not a day of the years" in shown.err) == (1, True)


@pytest.mark.parametrize("arguments", [("--from", "2026-13-01"), ("--from", "2026-02-02", "--to", "2026-02-01")])
def test_days_that_are_none(cli: Cli, arguments: tuple[str, ...]) -> None:
    shown = cli("usage", "show", *arguments)
    assert (shown.code, "2026-" in shown.err) == (1, True)
