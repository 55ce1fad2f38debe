"""What a call hands on to the sources that it reads: use, trace and the hubs that it came through (LOG-01, IOP-01)."""

from __future__ import annotations

import hashlib
import re

from starlette.datastructures import Headers

from auth.rights import Use
from connectors.calling import Calling
from hub.randomness import random_hex
from schema.faults import Code, Fault

VIA = "Huitong-Via"
MOST_HUBS = 8
"""Through which one call may come."""
_ZERO = "0" * 16
_VIA = re.compile(r"[0-9a-f]{16}(?:, ?[0-9a-f]{16})*\Z")
_TRACE = re.compile(r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?\Z")


def hub_number(key: bytes) -> str:
    """This hub's number among all hubs: made of its ledger's first public key, since addresses repeat and change."""
    return hashlib.sha256(key).hexdigest()[:16]


def traceparent(headers: Headers) -> str:
    """The ``traceparent`` under which sources are read: the caller's trace where it sent a valid one, else a new trace (W3C Trace Context, 3.2)."""
    given = [value for name, value in headers.raw if name == b"traceparent"]
    found = _TRACE.match(given[0].decode("latin-1").strip(" \t")) if len(given) == 1 else None
    if found is None or not _sound(found):
        return new_traceparent()
    # Of the flags only `sampled` is defined for version 00, which is the one written here.
    return f"00-{found['trace']}-{_number()}-{int(found['flags'], 16) & 1:02x}"


def new_traceparent() -> str:
    """Of a trace that begins here."""
    return f"00-{_number()}{_number()}-{_number()}-00"


def _sound(found: re.Match[str]) -> bool:
    known = found["version"] != "ff" and (found["version"] != "00" or found["more"] is None)
    return known and found["trace"].strip("0") != "" and found["parent"].strip("0") != ""


def _number() -> str:
    """A random number of 64 bits that is not 0, in hexadecimal."""
    while (found := random_hex()) == _ZERO:
        continue
    return found


def trace_id(calling: Calling | None) -> str | None:
    """The trace that a call belongs to, as its ledger entry names it."""
    return calling.trace[3:35] if calling is not None and calling.trace else None


def hand_on(calling: Calling, use: Use, before: tuple[str, ...], hub: str) -> None:
    """Notes the call's use and the hubs it came through: those ``before``, and ``hub``, this one.

    Raises:
        Fault: ``LOOP`` where the call has been here before, or in too many hubs.
    """
    if hub in before or len(before) >= MOST_HUBS:
        raise Fault(
            Code.LOOP,
            "调用经由其他平台又回到本平台，或经过的平台过多",
            "the call came back to this hub through another, or came through too many hubs",
            "请检查各平台的数据源：两个平台不得互以对方为同一资源的数据源",
            "look at the hubs' sources: no two hubs may be each other's source of one resource",
        )
    calling.purpose, calling.operator, calling.case, calling.via = use.purpose, use.operator, use.case, (*before, hub)


def hubs_before(headers: Headers) -> tuple[str, ...]:
    """The hubs that a call came through, as its headers name them.

    Raises:
        Fault: ``BAD_REQUEST`` for a header that is ill-formed.
    """
    given = ", ".join(headers.getlist(VIA))
    if not given:
        return ()
    if not _VIA.match(given):
        raise Fault(Code.BAD_REQUEST, f"{VIA} 不合格式", f"{VIA} is ill-formed", "由汇通平台自行填写", "it is written by hubs, not by applications")
    return tuple(each.strip() for each in given.split(","))
