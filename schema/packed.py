"""Parts of texts that are too long to be held plainly."""

from __future__ import annotations

import zlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Packed:
    """Part of a long text in UTF-8, kept at about a twentieth of its size."""

    data: bytes
    size: int
    """Bytes of the text."""

    @classmethod
    def of(cls, text: bytes) -> Packed:
        """Packs it."""
        return cls(zlib.compress(text, 1), len(text))

    def text(self) -> bytes:
        """Unpacks it."""
        return zlib.decompress(self.data)
