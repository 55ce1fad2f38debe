"""A request that offers to go on in another protocol (``Upgrade``) is answered in this one, with its body."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import httptools


class PlainParser(httptools.HttpRequestParser):
    """httptools' parser of requests; ``head`` gives the last head again, without the offer.

    httptools takes whatever follows a head with an offer for the other protocol. Java's own client makes one (``h2c``) with each first
    request to an ``http://`` address: its body was lost, and what arrived of it later was taken for a request of its own.
    """

    def __init__(self, protocol: object, head: Callable[[], bytes]) -> None:
        self._protocol, self._head = protocol, head
        self._begin()

    def _begin(self) -> None:
        super().__init__(self._protocol)
        # As uvicorn sets it: a request that was sent behind one with ``Connection: close`` is no fault of the first one.
        self.set_dangerous_leniencies(lenient_data_after_close=True)

    def offers(self) -> bool:
        """Whether the head that is read offers another protocol; ``CONNECT``, which httptools counts among them, has no other meaning."""
        return self.should_upgrade() and self.get_method() != b"CONNECT"

    def feed_data(self, data: bytes | bytearray | memoryview[int] | array[int]) -> None:
        """Reads on; heads with offers are read once more without."""
        while True:
            try:
                super().feed_data(data)
            except httptools.HttpParserUpgrade as stopped:
                if self.get_method() == b"CONNECT":
                    raise
                data = self._head() + bytes(data)[stopped.args[0] :]
                # To httptools the head is over, and with ``Connection: close`` in it the connection.
                self._begin()
            else:
                return


def head_without_offer(method: bytes, url: bytes, version: str, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The head of a request in bytes, as it came but for the offer."""
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    lines += [b"%s: %s" % (name, value) for name, value in headers if name != b"upgrade"]
    return b"\r\n".join([*lines, b"", b""])
