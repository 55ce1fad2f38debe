"""AES-CMAC (RFC 4493, NIST SP 800-38B) of many values at once: one encryption for a block of all of them, where one HMAC after the other takes twice as long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from threading import local

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

WIDTH = 16
"""Bytes of a hash, and of AES's block."""
_WITHIN = 2048
"""Bytes that are encrypted without letting go of the interpreter's lock, which an event loop would have to get back from whoever computes."""
_PADDING = [b"\x80".ljust(WIDTH - length, b"\x00") for length in range(WIDTH)]
"""Behind a last block of this length."""
_REDUCED = 0x87
"""What a carry out of GF(2^128) becomes (RFC 4493, 2.3)."""


class Macs:
    """AES-CMAC with one key of 16, 24 or 32 bytes."""

    __slots__ = ("_cipher", "_held", "_padded", "_whole")

    def __init__(self, key: bytes) -> None:
        self._cipher = block_cipher(key)
        self._held = local()
        self._whole = doubled(self._encrypted(bytes(WIDTH)))
        self._padded = doubled(self._whole)

    def of(self, values: Sequence[bytes]) -> list[bytes]:
        """Their hashes, 16 bytes each, in their order."""
        lengths = {*map(len, values)}
        if len(lengths) == 1:
            return self._alike(values, lengths.pop())
        if max(lengths, default=0) < WIDTH:
            return self._closed(0, b"".join([value + _PADDING[len(value)] for value in values]), self._padded)
        places = defaultdict(list)
        for place, value in enumerate(values):
            places[len(value)].append(place)
        made = [b""] * len(values)
        for length, alike in places.items():
            for place, mac in zip(alike, self._alike([values[place] for place in alike], length), strict=True):
                made[place] = mac
        return made

    def _alike(self, values: Sequence[bytes], length: int) -> list[bytes]:
        """Of values of one length: their first blocks side by side, then their second, and so on; each value's blocks are chained across."""
        size, state, at = WIDTH * len(values), 0, 0
        while length - at > WIDTH:
            blocks = int.from_bytes(b"".join([value[at : at + WIDTH] for value in values]), "big")
            state = int.from_bytes(self._encrypted((state ^ blocks).to_bytes(size, "big")), "big")
            at += WIDTH
        rest, ends = length - at, [value[at:] for value in values] if at else values
        if rest == WIDTH:
            return self._closed(state, b"".join(ends), self._whole)
        padding = _PADDING[rest]
        return self._closed(state, padding.join(ends) + padding, self._padded)

    def _closed(self, state: int, last: bytes, key: bytes) -> list[bytes]:
        """Of values whose last blocks, padded, these are; ``state`` is what came of those before."""
        size = len(last)
        mixed = state ^ int.from_bytes(last, "big") ^ int.from_bytes(key * (size // WIDTH), "big")
        macs = self._encrypted(mixed.to_bytes(size, "big"))
        return [macs[start : start + WIDTH] for start in range(0, size, WIDTH)]

    def _encrypted(self, blocks: bytes) -> bytes:
        try:
            update: Callable[[bytes], bytes] = self._held.update
        except AttributeError:
            # Begun once for each thread: blocks that follow one another have nothing to do with each other.
            update = self._held.update = self._cipher.encryptor().update
        if len(blocks) <= _WITHIN:
            return update(blocks)
        return b"".join([update(blocks[start : start + _WITHIN]) for start in range(0, len(blocks), _WITHIN)])


def block_cipher(key: bytes) -> Cipher[modes.ECB]:
    """AES bare: CMAC is defined over it, and chains the blocks itself. Nothing is decrypted."""
    return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - one block at a time is what CMAC chains


def doubled(block: bytes) -> bytes:
    """Twice a block in GF(2^128)."""
    number = int.from_bytes(block, "big")
    return ((number << 1) & (2**128 - 1) ^ (_REDUCED if number >> 127 else 0)).to_bytes(WIDTH, "big")
