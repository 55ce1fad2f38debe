"""Bodies with parts that are too long to be held plainly: unpacked, and packed again for who takes gzip, piece by piece as they are sent."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from schema.packed import Packed

Long = Sequence[bytes | Packed]


def spliced(data: bytes, parts: Mapping[str, Long]) -> bytes | Long:
    """JSON in which each name of a part, which stands there as text, is replaced by the part. Parts come in any order, and what they belong to may be null."""
    places = sorted((place, name) for name in parts if (place := data.find(_quoted(name))) >= 0)
    if not places:
        return data
    found: list[bytes | Packed] = []
    behind = 0
    for place, name in places:
        found += [data[behind:place], *parts[name]]
        behind = place + len(_quoted(name))
    return [*found, data[behind:]]


def _quoted(name: str) -> bytes:
    return b'"%s"' % name.encode()


def size_of(body: bytes | Long) -> int:
    """Bytes of the text."""
    return len(body) if isinstance(body, bytes) else sum(part.size if isinstance(part, Packed) else len(part) for part in body)


def texts(body: Long) -> Iterator[bytes]:
    """The body, piece by piece."""
    for part in body:
        yield part.text() if isinstance(part, Packed) else part


def takes_gzip(accepted: str) -> bool:
    """Whether the value of ``Accept-Encoding`` (RFC 9110 §12.5.3) names gzip, and not with weight 0."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight.strip("0.") != "" or not weight
    return False


def gzipped(body: Long) -> Iterator[bytes]:
    """The body in the gzip format (RFC 1952), piece by piece."""
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for text in texts(body):
        yield packer.compress(text)
    yield packer.flush()


async def unpacked(body: Long) -> AsyncIterator[bytes]:
    """The body, piece by piece; others run between two."""
    for text in texts(body):
        yield text
        await asyncio.sleep(0)
