"""Every command teaches its use, and wrong use ends with exit code 2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from hub.catalog.draft.evidence import is_uscc
from hub.cli.app import app
from tests.cli.conftest import Cli

pytestmark = pytest.mark.slow


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all commands that do something."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path
    for name, child in (inner or {}).items():
        yield from commands(child, (*path, name))


ALL = sorted(commands(get_command(app)))


def test_the_commands_are_those_of_the_contract() -> None:
    assert {" ".join(path) for path in ALL} == {
        *("init", "serve", "demo", "doctor", "token", "query", "explain", "ledger verify", "ledger verifier"),
        *("ledger archive", "ledger archives", "ledger export", "ledger prune"),
        *("department add", "department list", "department disable", "department enable", "grant lint", "app add", "app list", "app disable"),
        *("app keys", "app secret", "app redirect", "app owner", "keys list", "keys rotate", "keys retire"),
        *("keys ledger list", "keys ledger rotate", "keys ledger endorse"),
        *("keys pseudonyms list", "keys pseudonyms rotate", "keys pseudonyms retire", "keys pseudonyms overlap"),
        *("source add", "source remove", "source list", "source check", "source deliveries"),
        *("catalog import", "catalog review", "catalog publish", "catalog export", "catalog show", "catalog draft", "catalog drift"),
        *("trace subject", "trace record", "trace grant", "ledger reindex", "catalog withdraw", "catalog restore", "catalog withdrawals"),
        *("catalog masks", "catalog diff", "mask preview", "mask list"),
        *("grant add", "grant list", "grant revoke", "grant suspend", "grant resume", "grant file-end", "grant terminate", "grant extend"),
        *("request list", "request show", "request endorse", "request withdraw", "request check", "request supplement", "request opinion"),
        *("request extension", "request decide", "request sign", "request dispute", "disposal list", "disposal file", "disposal confirm"),
        *("person add", "person approve", "person invite", "person disable", "person roles", "person list"),
        *("witness init", "witness trust", "witness serve", "witness show", "witness evidence"),
        *("feedback list", "feedback show", "feedback accept", "feedback correct", "feedback explain", "feedback reject", "feedback transfer"),
        *("feedback close", "feedback object", "feedback decide", "feedback verify"),
        *("usage show", "usage recompute", "usage report", "usage rules"),
        *("anomaly list", "anomaly show", "anomaly judge", "anomaly release", "anomaly rules"),
        *(
            "exchange certificates",
            "exchange destinations",
            "exchange pull",
            "exchange scheduler",
            "exchange start",
            "exchange verify",
            "exchange worker",
        ),
        *("rules list", "rules show", "calendar import", "calendar set", "calendar list"),
    }


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_shows_an_example(cli: Cli, path: tuple[str, ...]) -> None:
    shown = cli(*path, "--help")
    assert shown.code == 0
    assert "Examples" in shown.out
    assert f"huitong {' '.join(path)}" in shown.out


def epilogs(command: Any) -> Iterator[str]:
    yield command.epilog or ""
    for child in getattr(command, "commands", {}).values():
        yield from epilogs(child)


def test_codes_of_examples_are_valid() -> None:
    found = {code for text in epilogs(get_command(app)) for code in re.findall(r"\b1[12]52[0-9A-Z]{14}\b", text)}
    assert found
    assert {code for code in found if not is_uscc(code)} == set()


@pytest.mark.parametrize("arguments", [("nonsense",), ("grant", "add"), ("serve", "--port", "70000"), ("catalog", "review", "one", "--approve")])
def test_wrong_use(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli(*arguments).code == 2


def test_version(cli: Cli) -> None:
    shown = cli("--version")
    assert shown.code == 0
    assert shown.out.startswith("huitong ")
