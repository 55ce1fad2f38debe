"""A value that its column could never hold is told to whoever asked; where it came from another source or in a claim, nothing is said of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from connectors.errors import SourceMismatch, SourceRefused
from schema.faces import Face
from schema.faults import Code
from schema.reader import source_fault

pytestmark = pytest.mark.fast
FACE = cast("Face", SimpleNamespace(resource=SimpleNamespace(name="许可", code="planning.permit")))


@pytest.mark.parametrize(
    ("fault", "asked", "code"),
    [
        (SourceMismatch("planning.db", "x"), True, Code.BAD_INPUT),
        (SourceMismatch("planning.db", "x"), False, Code.SOURCE_UNAVAILABLE),
        (SourceRefused("planning.db", "x"), True, Code.SOURCE_UNAVAILABLE),
    ],
)
def test_whose_fault_it_is(fault: Any, asked: bool, code: Code) -> None:
    told = source_fault(FACE, fault, asked=asked)
    assert told.code is code
    assert ("planning.permit" in told.en, "许可" in told.zh) == (True, True)
    assert None not in (told.hint_en, told.hint_zh)
