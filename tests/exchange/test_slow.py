"""Downloads: which part leaves, and what becomes of readers who take it slowly, or not at all (G5)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers

from hub.api.admission import Admission
from hub.cli import listening
from hub.exchange import downloads
from hub.exchange.downloads import MOST_EACH, PIECE, Download, check_place
from hub.exchange.ranges import Part, part_of
from schema.faults import Code, Fault

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
TAG = '"abc"'


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (200, 0, 10)),
        ({"range": "bytes=0-"}, (206, 0, 10)),
        ({"range": "bytes=3-"}, (206, 3, 10)),
        ({"range": "bytes=3-5"}, (206, 3, 6)),
        ({"range": "bytes=3-3"}, (206, 3, 4)),
        ({"range": "bytes=9-99"}, (206, 9, 10)),
        ({"range": "bytes=-4"}, (206, 6, 10)),
        ({"range": "bytes=-40"}, (206, 0, 10)),
        ({"range": "Bytes=3-5"}, (206, 3, 6)),
        ({"range": "bytes=10-"}, (416, 0, 0)),
        ({"range": "bytes=-0"}, (416, 0, 0)),
        # What is no range, or none of bytes, or more than one asks for the whole (RFC 9110 §14.2).
        ({"range": "bytes=5-3"}, (200, 0, 10)),
        ({"range": "bytes=-"}, (200, 0, 10)),
        ({"range": "bytes=1-2,4-5"}, (200, 0, 10)),
        ({"range": "rows=1-2"}, (200, 0, 10)),
        ({"range": "bytes=1_0-"}, (200, 0, 10)),
        ({"range": "bytes=+1-"}, (200, 0, 10)),
        # Numbers have as many digits as a caller writes (RFC 9110 §14.1.2), more than Python reads by itself among them.
        ({"range": f"bytes={'9' * 30}-"}, (416, 0, 0)),
        ({"range": f"bytes=0-{'9' * 20}"}, (206, 0, 10)),
        ({"range": f"bytes=3-{'9' * 5000}"}, (206, 3, 10)),
        ({"range": f"bytes=-{'9' * 5000}"}, (206, 0, 10)),
        ({"range": f"bytes={'0' * 5000}3-{'0' * 30}5"}, (206, 3, 6)),
        ({"range": f"bytes=-{'0' * 30}"}, (416, 0, 0)),
        ({"range": f"bytes=2{'0' * 30}-1{'0' * 30}"}, (200, 0, 10)),
        ({"range": "bytes=3-", "if-range": TAG}, (206, 3, 10)),
        # A part of one file is never joined to one of another.
        ({"range": "bytes=3-", "if-range": '"abd"'}, (200, 0, 10)),
        ({"range": "bytes=3-", "if-range": f"W/{TAG}"}, (200, 0, 10)),
        ({"range": "bytes=3-", "if-range": "Sun, 22 Nov 2026 00:00:00 GMT"}, (200, 0, 10)),
        ({"range": "bytes=3-", "if-match": TAG}, (206, 3, 10)),
        ({"if-match": '"x", "abc"'}, (200, 0, 10)),
        ({"if-match": '"x"'}, (412, 0, 0)),
        ({"if-match": "*"}, (200, 0, 10)),
        ({"if-none-match": f"W/{TAG}"}, (304, 0, 0)),
        ({"if-none-match": '"x"'}, (200, 0, 10)),
    ],
)
def test_ranges_and_conditions(headers: dict[str, str], expected: tuple[int, int, int]) -> None:
    part = part_of(Headers(headers), TAG, 10)
    assert (part.status, part.start, part.end) == expected


def test_no_range_of_an_empty_file_can_be_had() -> None:
    assert part_of(Headers({"range": "bytes=0-"}), TAG, 0).status == 416
    assert part_of(Headers(), TAG, 0) == Part(200, 0, 0, 0)


def test_a_range_counts_for_no_less_than_it_discloses() -> None:
    assert [Part(206, 0, end, 1000).share(10) for end in (1, 100, 101, 999, 1000)] == [1, 1, 2, 10, 10]
    assert Part(200, 0, 0, 0).share(0) == 0


class Reader:
    """What a server is to a download: takes pieces as the test lets it, and may go away."""

    def __init__(self, takes: Callable[[int], Any] | None = None) -> None:
        self.messages: list[Any] = []
        self.gone = asyncio.Event()
        self._takes = takes

    async def send(self, message: Any) -> None:
        if self._takes is not None:
            await self._takes(len(self.messages))
        self.messages.append(message)

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


class Kept:
    """A file to download, and what becomes of its place."""

    def __init__(self, folder: Path, size: int = 5 * PIECE + 7) -> None:
        self.content = os.urandom(size)
        self.path = folder / "data.csv"
        self.path.write_bytes(self.content)
        self.left, self.broken, self.holds = 0, list[int](), True

    def download(self, part: Part | None = None) -> Download:
        async def broken(sent: int) -> None:
            self.broken.append(sent)

        def leave() -> None:
            self.left += 1

        size = len(self.content)
        return Download(self.path, part or Part(200, 0, size, size), {"etag": TAG}, lambda: self.holds, broken, leave)


async def never(_count: int) -> None:
    await asyncio.Event().wait()


async def serve(download: Download, reader: Reader, method: str = "GET") -> None:
    await download({"type": "http", "method": method}, reader.receive, reader.send)


def open_files() -> list[Path]:
    """Files of downloads that this process holds open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(link.readlink())
    return [path for path in found if path.name == "data.csv"]


async def test_the_whole_and_a_part_leave_in_pieces(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    size = len(kept.content)
    for part in (Part(200, 0, size, size), Part(206, PIECE + 3, size, size), Part(206, 5, 9, size), Part(206, 0, PIECE, size)):
        reader = Reader()
        await serve(kept.download(part), reader)
        assert reader.body == kept.content[part.start : part.end]
        assert [message.get("more_body") for message in reader.messages[1:]] == [True] * (len(reader.messages) - 2) + [False]
        sent = dict(reader.messages[0]["headers"])
        assert sent[b"content-length"] == str(part.length).encode()
        assert sent.get(b"content-range") == (f"bytes {part.start}-{part.end - 1}/{size}".encode() if part.status == 206 else None)
    assert (kept.left, kept.broken) == (4, [])


async def test_head_and_what_has_no_bytes_send_none(tmp_path: Path) -> None:
    kept, reader = Kept(tmp_path), Reader()
    size = len(kept.content)
    await serve(kept.download(), reader, "HEAD")
    assert (reader.body, dict(reader.messages[0]["headers"])[b"content-length"]) == (b"", str(size).encode())
    for status in (304, 412, 416):
        reader = Reader()
        await serve(kept.download(Part(status, 0, 0, size)), reader)
        assert (reader.messages[0]["status"], reader.body) == (status, b"")


async def test_a_reader_who_takes_nothing_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After two pieces; the connection ends short of the announced length, and file and place are given back."""
    monkeypatch.setattr(downloads, "STALL_SECONDS", 0.05)

    async def takes(count: int) -> None:
        await (never(count) if count > 2 else asyncio.sleep(0))

    kept, reader = Kept(tmp_path), Reader(takes)
    await serve(kept.download(), reader)
    assert reader.body == kept.content[: 2 * PIECE]
    assert (reader.messages[-1]["more_body"], kept.left, kept.broken, open_files()) == (True, 1, [], [])


async def test_a_slow_reader_who_takes_something_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "STALL_SECONDS", 0.5)
    kept, reader = Kept(tmp_path), Reader(lambda _: asyncio.sleep(0.1))
    await serve(kept.download(), reader)
    assert reader.body == kept.content, "longer in all than a reader may take nothing"


async def test_a_reader_who_goes_away_holds_nothing(tmp_path: Path) -> None:
    kept, reader = Kept(tmp_path), Reader(never)
    serving = asyncio.ensure_future(serve(kept.download(), reader))
    await asyncio.sleep(0.01)
    assert len(open_files()) == 1
    reader.gone.set()
    await asyncio.wait_for(serving, 5)
    assert (kept.left, open_files()) == (1, [])


async def test_rights_are_asked_before_every_piece(tmp_path: Path) -> None:
    kept = Kept(tmp_path)

    async def takes(count: int) -> None:
        kept.holds = count < 3

    reader = Reader(takes)
    await serve(kept.download(), reader)
    assert (len(reader.body), kept.broken, kept.left) == (3 * PIECE, [3 * PIECE], 1)


async def test_a_file_that_became_shorter_ends_the_download(tmp_path: Path) -> None:
    kept, reader = Kept(tmp_path), Reader()
    download = kept.download()
    os.truncate(kept.path, PIECE)
    await asyncio.wait_for(serve(download, reader), 5)
    assert (reader.body, reader.messages[-1]["more_body"], kept.broken, kept.left) == (kept.content[:PIECE], True, [], 1)


def test_an_application_has_so_many_downloads_at_once() -> None:
    places = Admission(MOST_EACH + 1, MOST_EACH)
    held = [check_place(places, "slow") for _ in range(MOST_EACH)]
    for application in ("slow", "slow"):
        with pytest.raises(Fault) as refused:
            check_place(places, application)
        assert refused.value.code is Code.RATE_LIMITED
    other = check_place(places, "other")
    with pytest.raises(Fault):
        check_place(places, "third")
    held[0]()
    other()
    check_place(places, "slow")
    assert places.in_work == MOST_EACH


def test_connections_whose_reader_takes_nothing_end_by_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the reader's machine answers: what was sent is not taken."""
    assert listening._STALL_MS == 60_000
    monkeypatch.setattr(listening, "_STALL_MS", 200)
    with listening.listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        server, _ = listener.accept()
        with server:
            server.settimeout(30)
            with pytest.raises(OSError, match="timed out") as ended:
                server.sendall(bytes(1 << 26))
    assert ended.value.errno == errno.ETIMEDOUT, "the kernel's word, not the test's own patience"
