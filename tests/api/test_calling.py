"""What a call hands on: trace (W3C Trace Context) and the hubs that it came through."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from auth.rights import Use
from connectors.calling import Calling
from hub.api.calling import MOST_HUBS, hand_on, hub_number, hubs_before, trace_id, traceparent
from schema.faults import Code, Fault

pytestmark = pytest.mark.fast
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HERE = hub_number(b"key")


def headers(*pairs: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.lower().encode(), value.encode("latin-1")) for name, value in pairs])


@pytest.mark.parametrize(
    ("given", "flags"),
    [(f"00-{TRACE}-{PARENT}-01", "01"), (f" 00-{TRACE}-{PARENT}-00", "00"), (f"00-{TRACE}-{PARENT}-ff", "01"), (f"cc-{TRACE}-{PARENT}-01-x", "01")],
)
def test_a_valid_trace_goes_on_with_a_parent_of_this_hub(given: str, flags: str) -> None:
    made = traceparent(headers(("traceparent", given)))
    version, trace, parent, sampled = made.split("-")
    assert (version, trace, sampled) == ("00", TRACE, flags)
    assert parent != PARENT
    assert trace_id(Calling("c", trace=made)) == TRACE


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("",),
        (f"00-{TRACE}-{PARENT}-01-x",),
        (f"ff-{TRACE}-{PARENT}-01",),
        (f"00-{'0' * 32}-{PARENT}-01",),
        (f"00-{TRACE}-{'0' * 16}-01",),
        (f"00-{TRACE.upper()}-{PARENT}-01",),
        (f"00-{TRACE[1:]}-{PARENT}-01",),
        (f"00-{TRACE}-{PARENT}-01\n",),
        (f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01"),
    ],
)
def test_anything_else_begins_a_new_trace(given: tuple[str, ...]) -> None:
    made = [traceparent(headers(*(("traceparent", value) for value in given))) for _ in range(2)]
    assert TRACE not in "".join(made)
    assert made[0][3:35] != made[1][3:35]


def test_use_and_hubs_are_handed_on() -> None:
    there = hub_number(b"other")
    made = Calling("c")
    hand_on(made, Use("rent", "张三", "17"), hubs_before(headers(("Huitong-Via", there))), HERE)
    assert (made.purpose, made.operator, made.case, made.via) == ("rent", "张三", "17", (there, HERE))


@pytest.mark.parametrize(
    "via", [(HERE,), (f"{hub_number(b'a')}, {HERE}",), (hub_number(b"a"), HERE), (", ".join(hub_number(bytes([i])) for i in range(MOST_HUBS)),)]
)
def test_a_call_that_comes_back_or_came_too_far_is_refused(via: tuple[str, ...]) -> None:
    with pytest.raises(Fault) as fault:
        hand_on(Calling("c"), Use(), hubs_before(headers(*(("Huitong-Via", value) for value in via))), HERE)
    assert fault.value.code is Code.LOOP


@pytest.mark.parametrize("via", ["x", "a" * 16 + ";", HERE.upper(), ","])
def test_hubs_that_are_none_are_refused(via: str) -> None:
    with pytest.raises(Fault) as fault:
        hand_on(Calling("c"), Use(), hubs_before(headers(("Huitong-Via", via))), HERE)
    assert fault.value.code is Code.BAD_REQUEST
