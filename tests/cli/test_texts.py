"""A file that is no text is named with its remedy, whichever command reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.faults import CliFault
from hub.cli.query import _document
from hub.cli.texts import read_text

pytestmark = pytest.mark.fast


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "document.graphql"
    path.write_bytes("{ 民政 }".encode("gb18030"))
    for read in (lambda: read_text(path), lambda: _document(None, path)):
        with pytest.raises(CliFault) as fault:
            read()
        assert str(path) in fault.value.message
        assert "UTF-8" in fault.value.message
        assert "iconv" in (fault.value.remedy or "")
    with pytest.raises(CliFault, match="cannot be read"):
        read_text(tmp_path)
    path.write_text("{ 民政 }", encoding="utf-8")
    assert read_text(path) == _document(None, path) == "{ 民政 }"
