"""What ``python -m hub.exchange.work`` does: a child process of a hub that works on chunks, one at a time, until its standard input ends.

Standard input and output are the messages' pipes; standard error is the hub's log.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, BinaryIO

from hub.exchange.dying import die_with
from hub.exchange.executors.wire import Advanced, Begin, Ended, message, received
from hub.exchange.work.chunk import run_chunk
from hub.exchange.work.kit import Kit
from hub.exchange.work.task import ChunkFault, ChunkReceipt
from hub.observation import places
from masking.pseudonym import KEYS

_NICE = 19
_OWNER = "exchange"
Outcome = ChunkReceipt | ChunkFault


def main() -> None:
    """Works until the hub is done with it, or dies."""
    # Even in the midst of a long statement, where the end of standard input is not read.
    if not die_with(os.getppid()):
        return
    os.nice(_NICE)
    # A terminal's Ctrl-C goes to the hub too, which ends its children when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    # Whatever a driver prints must not stand between messages.
    os.dup2(2, 1)
    asyncio.run(_serve(out))


async def _serve(out: BinaryIO) -> None:
    reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()
    loop.set_exception_handler(told_by_kind)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb"))
    kit: Kit | None = None
    try:
        while True:
            begin: Begin = await received(reader)
            KEYS.hold(_OWNER, begin.secrets.pseudonyms)
            kit = kit or Kit.of(begin.secrets)
            outcome = await _while_wanted(_outcome(begin, kit, out), reader)
            if outcome is None:
                return
            _tell(out, Ended(outcome))
    except EOFError:
        return
    finally:
        if kit is not None:
            await kit.close()


async def _while_wanted(work: Coroutine[Any, Any, Outcome], reader: asyncio.StreamReader) -> Outcome | None:
    """The work's outcome; ``None`` where the hub was gone before. It says nothing while a chunk is in work: all that can be read is its end."""
    working, gone = asyncio.create_task(work), asyncio.create_task(reader.read(1))
    await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
    ended = working.done()
    for task in (working, gone):
        task.cancel()
    await asyncio.wait({working, gone})
    return working.result() if ended else None


async def _outcome(begin: Begin, kit: Kit, out: BinaryIO) -> Outcome:
    try:
        return await run_chunk(begin.task, kit, lambda rows, size: _tell(out, Advanced(rows, size)))
    except ChunkFault as fault:
        return fault
    except Exception as fault:  # noqa: BLE001 - a chunk that fails must say so, whatever it was; its text may hold a value
        sys.stderr.write(f"exchange chunk failed: {type(fault).__name__} {places(fault)}\n")
        return ChunkFault("INTERNAL", "平台内部错误", "internal error of the hub", retryable=False)


def told_by_kind(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody waited for, such as a write beside a stream that broke off. asyncio would print its text, which may hold a value."""
    fault = context.get("exception")
    sys.stderr.write(f"exchange chunk: {type(fault).__name__} {places(fault)}\n" if fault is not None else "exchange chunk: a task was left behind\n")


def _tell(out: BinaryIO, content: object) -> None:
    out.write(message(content))
    out.flush()
