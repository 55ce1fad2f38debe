"""The rows of one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Row = tuple[object, ...]
"""Values in the table's column order, as the driver stores them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one commit: its own, its entries', their accesses', and the new head (size, batches, leaf)."""

    batch: Row
    entries: Sequence[Row]
    accesses: Sequence[Row]
    head: Row
