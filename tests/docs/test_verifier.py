"""``docs/verify.md`` and the stand-alone verifier say the same of commands, options, exit codes and formats."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import code, page, section, tables
from verifier import lines, report
from verifier.cli import COMMANDS, parser

pytestmark = pytest.mark.fast
PAGE = page("docs/verify.md")
TOLD = tables(section(PAGE, "## Commands 命令"))
BUNDLES = tables(section(PAGE, "## Bundles: exports and archive segments 导出与归档文件的格式"))


def _first(table: list[list[str]]) -> list[str]:
    return [code(row[0]) for row in table[1:]]


def test_commands_options_and_exit_codes() -> None:
    assert [name.split()[1] for name in _first(TOLD[0])] == list(COMMANDS)
    helped = " ".join(one.format_help() for action in parser()._actions if action.choices for one in dict(action.choices).values())
    assert {option.split()[0] for option in _first(TOLD[1])} | {"--proof", "--consistency", "--help"} == set(re.findall(r"--[a-z-]+\b", helped))
    assert [int(row[0]) for row in TOLD[2][1:]] == [report.SOUND, report.CONTRADICTION, report.USAGE, report.UNREADABLE]


def test_fields_of_bundles() -> None:
    header, line, closing = map(_first, BUNDLES)
    assert set(header) == lines._KINDS["segment"] | lines._KINDS["extract"] | {"about"}
    assert set(line) == lines._LINE["segment"] | lines._LINE["extract"]
    assert set(closing) == lines._CLOSING
    assert f"`{lines.FORMAT}`" in PAGE
    assert f"`{lines.CALLS}`" in PAGE
