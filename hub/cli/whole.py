"""Writes an answer that is there as a whole on uvicorn's httptools protocol: one piece for the transport, and no header is looked at again."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle


def write_whole(cycle: RequestResponseCycle, status: int, head: bytes, body: bytes) -> bool:
    """Whether it was written; else it is to be sent by messages: to callers who are slow, who asked for the head alone, or whose connection ends with it."""
    if cycle.disconnected:
        # Who has gone is told nothing, as by messages.
        return True
    if cycle.response_started or not cycle.keep_alive or cycle.flow.write_paused or cycle.scope["method"] == "HEAD":
        return False
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    own = b"".join([b"%b: %b\r\n" % header for header in cycle.default_headers])
    cycle.transport.writelines((b"%b%b%bcontent-length: %d\r\n\r\n" % (STATUS_LINE[status], own, head, len(body)), body))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True
