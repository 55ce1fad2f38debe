"""A call's place, as a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hub.api.admission import Admission


@contextmanager
def admitted(admission: Admission, caller: str) -> Iterator[None]:
    """Holds a place while the block runs."""
    admission.enter(caller)
    try:
        yield
    finally:
        admission.leave(caller)
