"""How many examples a property is tried with: a share of them in every run, others each time; all of them where THOROUGH=1 says so."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
THOROUGH = os.environ.get("THOROUGH") == "1"
_SHARE = 4
_LEAST = 5
_MANY = 100


def examples_of(count: int) -> int:
    """A quarter of so many, but five at least; all in a thorough run (``make thorough``)."""
    return count if THOROUGH else min(count, max(_LEAST, count // _SHARE))


def share_of(cases: Sequence[T]) -> Sequence[T]:
    """Every fourth of very many cases, from one of the first four on as is drawn; all of them in a thorough run."""
    return cases if THOROUGH or len(cases) < _MANY else cases[secrets.randbelow(_SHARE) :: _SHARE]
