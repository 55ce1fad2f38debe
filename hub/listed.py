"""Lists that must fit into a ledger entry's details: as many as fit, and how many are left out."""

from __future__ import annotations

import json
from collections.abc import Iterable

from hub.ledger.entry import Json

MOST_BYTES = 6_000
"""Of one list, as JSON; an entry's details may have 16,384 bytes."""


def listed(name: str, texts: Iterable[str], most: int = MOST_BYTES) -> dict[str, Json]:
    """``{name: [...]}``, with ``<name>_left_out`` where not all fit into ``most`` bytes; nothing where there are none."""
    told: list[str] = []
    left = room = 0
    for text in texts:
        room += len(json.dumps(text)) + 2
        if left or room > most:
            left += 1
        else:
            told.append(text)
    return {**({name: told} if told or left else {}), **({f"{name}_left_out": left} if left else {})}
