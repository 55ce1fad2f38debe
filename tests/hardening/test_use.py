"""Headers of use that read otherwise than they are, and a home that was open to others."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.datastructures import Headers

from hub.api.use import CASE, OPERATOR, read_use
from hub.core import initialise
from hub.settings import load_settings
from schema.faults import Code, Fault

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("header", [OPERATOR, CASE])
@pytest.mark.parametrize("character", ["\n", "\x7f", "\x85", "\u200b", "\u200e", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u2028", "\u2029", "\U000e0041"])
@pytest.mark.parametrize("text", ["张{}三", "{}张三", "张三{}"])
def test_characters_that_cannot_be_seen_are_refused(header: str, character: str, text: str) -> None:
    with pytest.raises(Fault) as caught:
        read_use(Headers({header: quote(text.format(character))}))
    assert caught.value.code is Code.BAD_REQUEST
    assert header in caught.value.en


@pytest.mark.parametrize("header", [OPERATOR, CASE])
def test_a_surrogate_is_refused(header: str) -> None:
    with pytest.raises(Fault):
        read_use(Headers({header: "%ED%A0%80"}))


@pytest.mark.parametrize("text", ["张三", "Anne-Marie O'Neill", "案 2026/17 号", "مريم", "𠮷野", "İpek"])
def test_names_of_people_are_taken(text: str) -> None:
    assert read_use(Headers({OPERATOR: quote(f" {text} ")})).operator == text


def test_a_home_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for directory in (home, home / "exchange"):
        directory.mkdir()
        directory.chmod(0o755)
    initialise(load_settings(home=home))
    assert {path.stat().st_mode & 0o777 for path in (home, home / "keys", home / "exchange")} == {0o700}
