"""Options of the commands of exchanges that name what is not on offer: told in both languages, with what is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.cli.exchange_options import Form, Written
from hub.cli.pulling.remote import hint_of
from tests.cli.conftest import Cli

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("option", "given", "offered"), [("--format", "xlsx", Form), ("--encoding", "latin1", Written)])
@pytest.mark.parametrize("command", ["start", "pull", "verify"])
def test_what_is_not_on_offer(cli: Cli, tmp_path: Path, command: str, option: str, given: str, offered: type[Form | Written]) -> None:
    document = tmp_path / "a.graphql"
    document.write_text("{ __typename }")
    more = ("--document", document, "--into", tmp_path / "in")
    whole = ("start", document) if command == "start" else (command, "http://127.0.0.1:1" if command == "pull" else "a.csv", *more)
    told = cli("exchange", *whole, option, given, "--app", "housing")
    words = " ".join(re.sub("[│╭╮╰╯─]", " ", told.err).split())
    assert told.code == 2
    assert f"'{option}': 没有 there is no '{given}'；可用 on offer: {', '.join(offered)}" in words


@pytest.mark.parametrize("given", ["parquet", "Parquet", "PARQUET"])
def test_case_is_all_the_same(cli: Cli, tmp_path: Path, given: str) -> None:
    document = tmp_path / "a.graphql"
    document.write_text("{ __typename }")
    told = cli("exchange", "start", document, "--format", given, "--encoding", "gb18030", "--app", "nobody")
    assert (told.code, "credentials" in told.err) == (1, True), "it went on to who asks"


def test_a_purpose_that_is_wanted_is_told_with_the_options_for_it() -> None:
    """The hub speaks of headers, which nobody at a command line can send."""
    for code in ("PURPOSE_REQUIRED", "PURPOSE_NOT_GRANTED"):
        told = hint_of({"extensions": {"code": code, "hint": "请携带", "hintEn": "send"}})
        assert told == "请携带 send （--purpose CODE --operator NAME）"
    assert hint_of({"extensions": {"code": "BAD_INPUT", "hint": "请更正", "hintEn": "mend"}}) == "请更正 mend"
