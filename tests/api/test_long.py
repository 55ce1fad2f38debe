"""Answers too long to be held plainly: what is sent is the same text, in pieces; introspection is kept by department and given up when nobody waits."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from graphql import get_introspection_query

from hub.api import introspection, pauses
from hub.api.execute import variables_of
from hub.api.http import HttpAnswer, HttpRequest
from hub.api.introspection import Introspector, departments_of
from hub.api.long import size_of, spliced, takes_gzip, texts
from hub.api.pauses import Abandoned, Aside, Pause
from hub.api.turn import body_of
from schema.documents import Documents
from schema.faces import Faces
from schema.introspection import Kept, Question, introspect
from schema.packed import Packed
from schema.plan import Plan, Plans
from schema.view import View
from tests.api.test_http import TYPE, Exchanged
from tests.schema.running import BASE
from tests.schema.test_view import CHAIN, RIGHTS, resource, snapshot

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
PARTS = [Packed.of(b"[1,2,"), Packed.of('"长"]'.encode())]


def long_body() -> Any:
    return body_of(spliced(b'{"a":"name 1","b":1,"c":"name 2"}', {"name 1": PARTS, "name 2": [PARTS[0], Packed.of(b"3]")]}), [], {"receipt": 1})


def test_parts_stand_where_their_names_stood() -> None:
    text = b"".join(texts(long_body()))
    assert orjson.loads(text) == {"data": {"a": [1, 2, "长"], "b": 1, "c": [1, 2, 3]}, "extensions": {"receipt": 1}}
    assert size_of(long_body()) == len(text)
    assert spliced(b"{}", {}) == b"{}"


def test_parts_stand_there_whichever_was_ready_first_and_those_of_what_is_null_nowhere() -> None:
    data = b'{"a":"name 1","b":null,"c":"name 2"}'
    made = spliced(data, {"name 2": PARTS, "name 3": [b"[0]"], "name 1": [b"[1]"]})
    assert b"".join(texts(made)) == '{"a":[1],"b":null,"c":[1,2,"长"]}'.encode()
    assert spliced(b'{"a":null}', {"name 1": PARTS}) == b'{"a":null}'


async def _long(_request: HttpRequest) -> HttpAnswer:
    return HttpAnswer(200, long_body())


@pytest.mark.parametrize(
    ("accepted", "packed"), [("", False), ("identity", False), ("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.000", False)]
)
async def test_who_takes_gzip_gets_it(accepted: str, packed: bool) -> None:
    status, headers, body = await Exchanged(TYPE, ("accept-encoding", accepted)).by(_long)
    assert takes_gzip(accepted) is packed
    assert status == 200
    assert headers["vary"] == "accept-encoding"
    assert headers.get("content-encoding") == ("gzip" if packed else None)
    assert headers.get("content-length") == (None if packed else str(len(body)))
    assert (gzip.decompress(body) if packed else body) == b"".join(texts(long_body()))


def plan_of(view: View, text: str = get_introspection_query()) -> Plan:
    document = Documents().check(text, view)
    return Plans().plan(view, document, document.operation(None), {})


async def asked(introspector: Introspector, view: View, only: frozenset[str] | None = None) -> dict[str, Any]:
    """The names of the types and of the root's fields."""
    plan = plan_of(view)
    found = await introspector.answer(view, plan, "__schema", variables_of(plan.document, plan.operation, {}), {}, only)
    return {each["name"]: each for each in orjson.loads(b"".join(texts(found)))["types"]}


async def test_only_what_a_publication_touched_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def noticing(view: View, question: Question, kept: Kept, pause: pauses.Pause) -> Iterator[bytes | Packed]:
        def noting(department: str, key: str, make: Callable[[], Iterator[bytes]]) -> Packed:
            def noted() -> Iterator[bytes]:
                made.append(department)
                return make()

            return kept(department, key, noted)

        return introspect(view, question, noting, pause)

    monkeypatch.setattr(introspection, "introspect", noticing)
    before = snapshot(1, *CHAIN[:6])
    view, introspector = View(BASE, Faces(before, RIGHTS)), Introspector()
    first = await asked(introspector, view)
    assert made == [f"d{i}" for i in range(6)]
    assert await asked(introspector, view) == first
    assert len(made) == 6
    after = snapshot(2, *CHAIN[:3], resource("d3", name="新"), *CHAIN[4:6])
    after = type(after)(2, before.departments, before.sources, {**before.resources, "d3.thing": after.resources["d3.thing"]})
    renewed = view.renewed(after, after.touched_since(before))
    then = await asked(introspector, renewed)
    assert made[6:] == ["d0", "d1", "d2", "d3"]
    assert then.keys() == first.keys()
    assert then["D3Thing"] != first["D3Thing"]
    assert then["D5Thing"] == first["D5Thing"]


async def test_parts_of_one_limit_are_not_those_of_another() -> None:
    view, introspector = View(BASE, Faces(snapshot(1, *CHAIN[:4]), RIGHTS)), Introspector()
    whole = await asked(introspector, view)
    one = await asked(introspector, view, frozenset({"d1"}))
    assert {"D1Thing", "D2Thing"} <= whole.keys()
    assert "D2Thing" not in one
    assert [field["name"] for field in one["D1Thing"]["fields"]] == ["key", "name"]
    assert [field["name"] for field in whole["D1Thing"]["fields"]] == ["key", "name", "next"]
    assert [field["name"] for field in one["Query"]["fields"] if field["name"][0] == "d"] == ["d1"]
    assert await asked(introspector, view) == whole


def test_departments_are_named_by_root_field_or_code() -> None:
    departments = [resource("civil_affairs"), resource("housing")]
    view = View(BASE, Faces(snapshot(1, *departments), RIGHTS))
    assert departments_of(None, view) is None
    assert departments_of("", view) == frozenset()
    assert departments_of("civilAffairs, housing,", view) == frozenset({"civil_affairs", "housing"})
    assert departments_of("civil_affairs,civil_affairs", view) == frozenset({"civil_affairs"})
    assert "nothing" in (departments_of("nothing", view) or ())


def test_long_work_rests_and_ends_when_it_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    clock = [0.0]
    monkeypatch.setattr(pauses, "time", type("Clock", (), {"perf_counter": staticmethod(lambda: clock[0]), "sleep": staticmethod(rests.append)}))
    pause = Pause()
    pause()
    assert rests == []
    clock[0] += 0.0011
    pause()
    pause()
    assert len(rests) == 1
    pause.abandoned = True
    clock[0] += 0.0011
    with pytest.raises(Abandoned):
        pause()


async def test_work_nobody_waits_for_is_ended() -> None:
    began, ended = threading.Event(), threading.Event()

    def endless(pause: Pause) -> None:
        began.set()
        try:
            while True:
                pause()
                time.sleep(0)
        except Abandoned:
            ended.set()
            raise

    task = asyncio.create_task(Aside().run(endless))
    assert await asyncio.to_thread(began.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 10)
