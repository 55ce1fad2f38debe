"""The kernel's queue of connections that a listening socket has not taken yet, and how it is shut without a reset to anybody."""

from __future__ import annotations

import ctypes
import socket
import struct

_SO_ATTACH_FILTER = 26
"""Linux; Python names it nowhere."""
_NO_SYN = (
    (0x30, 0, 0, 13),  # ldb [13]: the flags of the TCP header
    (0x54, 0, 0, 0x12),  # and SYN | ACK
    (0x15, 0, 1, 0x02),  # a SYN alone
    (0x06, 0, 0, 0),  # ret 0: dropped
    (0x06, 0, 0, 0xFFFFFFFF),  # ret: passed as it is
)
"""Classic BPF (linux/Documentation/networking/filter.rst), as (code, jump if true, jump if false, operand)."""
_TCP_INFO_BYTES, _QUEUED_AT = 104, 24
"""``tcpi_unacked`` of linux/tcp.h: of a listening socket, connections that wait to be accepted."""


def shut(listener: socket.socket) -> None:
    """Begins no connection any more; those begun are finished and wait to be accepted.

    Closing alone would reset whoever is in the queue or in the middle of the handshake, and a backlog of 0 whoever finishes it a moment too late.
    A SYN that is dropped is sent again after a second: by then another process listens at the port, or nobody, and the caller is told so.
    """
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in _NO_SYN))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(_NO_SYN), ctypes.addressof(program)))
    except OSError:
        # Not Linux: the queue becomes as short as it can be.
        listener.listen(0)


def queued(listener: socket.socket) -> int:
    """How many connections wait to be accepted; 0 where the system does not tell."""
    try:
        told = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        return int(struct.unpack_from("I", told, _QUEUED_AT)[0])
    except (OSError, AttributeError, struct.error):
        return 0
