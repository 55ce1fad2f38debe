"""System calls that fail: a filter of the kernel (seccomp(2)) answers them with an error, for the calling thread and until it ends."""

from __future__ import annotations

import ctypes
import platform
from typing import Literal

Call = Literal["fsync", "fdatasync", "pwrite64"]
_NUMBERS: dict[str, dict[Call, int]] = {
    "x86_64": {"fsync": 74, "fdatasync": 75, "pwrite64": 18},
    "aarch64": {"fsync": 82, "fdatasync": 83, "pwrite64": 68},
}
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000


class _Step(ctypes.Structure):
    """``struct sock_filter``."""

    _fields_ = (("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


def refuse(error: int, *calls: Call) -> None:
    """From now on the kernel answers these calls of this thread with ``error``; needs no privilege and cannot be taken back."""
    numbers = _NUMBERS[platform.machine()]
    tests = [_Step(_EQUAL, len(calls) - place, 0, numbers[call]) for place, call in enumerate(calls)]
    steps = [_Step(_LOAD, 0, 0, 0), *tests, _Step(_RETURN, 0, 0, _ALLOW), _Step(_RETURN, 0, 0, _ERROR | error)]
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
