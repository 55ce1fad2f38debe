"""What a folder remembers of an exchange, where somebody else has written there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.faults import CliFault
from hub.cli.pulling.beginning import STATE, Memory

pytestmark = pytest.mark.fast
HUB = "https://hub.example"


@pytest.mark.parametrize("text", ["", "[]", "5", "{}", '{"hub": "https://hub.example"}'])
@pytest.mark.parametrize("key", [None, "k"])
def test_what_is_no_memory_is_told_by_its_file(tmp_path: Path, text: str, key: str | None) -> None:
    (tmp_path / STATE).write_text(text)
    with pytest.raises(CliFault, match="cannot be read or written"):
        Memory(tmp_path).of(HUB, key)
    assert (tmp_path / STATE).read_text() == text


def test_the_key_is_remembered_until_another_is_given(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    made = memory.of(HUB, None, {"table": "a.csv"})
    assert (memory.of(HUB, None), memory.of(HUB, made["key"])) == (made, made)
    assert memory.of(HUB, "another") == {"hub": HUB, "key": "another"}
