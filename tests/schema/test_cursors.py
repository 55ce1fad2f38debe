"""Cursors show nothing, and serve only the caller and the query that got them; pages neither lose nor repeat a row."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from schema.cursors import KEY_BYTES, Cursors
from schema.faults import Code, Fault
from tests.schema.city import PERSONS, SNAPSHOT, MemorySource, city, grant, rights
from tests.schema.running import Hub

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

TEXT = """query ($a: String, $w: CivilAffairsPersonWhere, $o: [CivilAffairsPersonOrder!], $n: Int = 1) { civilAffairs {
  persons(first: $n, after: $a, where: $w, orderBy: $o) { nodes { name } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


async def page(caller: str = "app", **variables: Any) -> dict[str, Any]:
    hub, _ = city()
    answer = await hub.ask(rights(grant()), TEXT, variables, caller)
    if answer.errors:
        raise answer.errors[0].fault
    found: dict[str, Any] = answer.data["civilAffairs"]["persons"]
    return found


def test_every_byte_counts() -> None:
    cursors = Cursors(bytes(range(KEY_BYTES)))
    sealed = cursors.seal(b"binding", ["张三", None, 2**62])
    assert cursors.open(b"binding", sealed) == ["张三", None, 2**62]
    raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        with pytest.raises(Fault) as fault:
            cursors.open(b"binding", base64.urlsafe_b64encode(changed).rstrip(b"=").decode())
        assert fault.value.code is Code.BAD_INPUT


@pytest.mark.parametrize("cursor", ["", "A", "AAAA", "=", "====", "é", "张", "\n", "a b", "A" * 3000, "A" * 30_000, "\0", "AAAAAAAAAAAAAAAAAAAAAA==", "-_-_"])
def test_what_is_no_cursor(cursor: str) -> None:
    with pytest.raises(Fault) as fault:
        Cursors(bytes(KEY_BYTES)).open(b"binding", cursor)
    assert fault.value.code is Code.BAD_INPUT
    assert not cursor.strip() or cursor not in fault.value.en


def test_a_cursor_tells_no_length_of_a_key() -> None:
    cursors = Cursors(bytes(KEY_BYTES))
    places = (["贵阳", "张三"], ["贵阳", "欧阳修"], ["贵阳", "110105491231002"], ["贵阳", "11010519491231002X"], [7], [None, 2**62])
    assert len({len(cursors.seal(b"binding", place)) for place in places}) == 1
    assert [cursors.open(b"binding", cursors.seal(b"binding", place)) for place in places] == list(places)


async def test_pages_are_ordered_by_long_texts() -> None:
    texts = ["长" * 600, "长" * 4096, "😀" * 4096]
    rows = [{**row, "nm": text} for row, text in zip(PERSONS, texts, strict=True)]
    hub = Hub(SNAPSHOT, opened={"civil_affairs.db": MemorySource({"person": rows})})
    names, after = [], None
    for _ in texts:
        answer = await hub.ask(rights(grant()), TEXT, {"a": after, "o": [{"name": "ASC"}]})
        assert not answer.errors
        names += [node["name"] for node in answer.data["civilAffairs"]["persons"]["nodes"]]
        after = answer.data["civilAffairs"]["persons"]["pageInfo"]["endCursor"]
    assert names == texts


def test_a_place_too_long_for_a_cursor_is_told_as_such() -> None:
    """Never as a cursor that is none of this query. A place of 18,304 bytes, with its brackets and quotes, is the longest."""
    cursors = Cursors(bytes(KEY_BYTES))
    longest = ["x" * 18_300]
    assert cursors.open(b"binding", cursors.seal(b"binding", longest)) == longest
    with pytest.raises(Fault, match="too long to go on behind it") as fault:
        cursors.open(b"binding", cursors.seal(b"binding", ["x" * 18_301]))
    assert fault.value.code is Code.BAD_INPUT


def test_other_keys_and_bindings_open_nothing() -> None:
    sealed = Cursors(bytes(KEY_BYTES)).seal(b"binding", [1])
    with pytest.raises(Fault):
        Cursors(b"\x01" * KEY_BYTES).open(b"binding", sealed)
    with pytest.raises(Fault):
        Cursors(bytes(KEY_BYTES)).open(b"other", sealed)


def test_a_cursor_shows_no_key() -> None:
    sealed = Cursors(bytes(KEY_BYTES)).seal(b"b", ["11010519491231002X"])
    assert b"1101" not in base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))


async def test_pages_cover_every_row_once() -> None:
    for order in ([], [{"gender": "DESC"}], [{"birthDate": "ASC"}, {"name": "DESC"}]):
        names, after, more = [], None, True
        while more:
            found = await page(a=after, o=order)
            names += [node["name"] for node in found["nodes"]]
            assert found["totalCount"] == len(PERSONS)
            assert found["pageInfo"]["hasPreviousPage"] == (after is not None)
            after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
        assert sorted(names) == sorted(row["nm"] for row in PERSONS)


@pytest.mark.parametrize(("size", "more"), [(2, True), (3, False), (4, False)])
async def test_there_is_more_only_where_there_is(size: int, more: bool) -> None:
    found = await page(n=size)
    assert found["pageInfo"]["hasNextPage"] is more
    assert len(found["nodes"]) == min(size, 3)


async def test_an_empty_page() -> None:
    found = await page(w={"name": {"eq": "nobody"}})
    assert found["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}


@pytest.mark.parametrize(
    ("caller", "changed"),
    [("other", {}), ("app", {"w": {"name": {"ne": "x"}}}), ("app", {"o": [{"name": "ASC"}]}), ("app", {"o": [{"name": "DESC"}]})],
    ids=["caller", "filter", "order", "direction"],
)
async def test_a_cursor_serves_one_callers_one_query(caller: str, changed: dict[str, Any]) -> None:
    cursor = (await page())["pageInfo"]["endCursor"]
    assert (await page(a=cursor))["nodes"] == [{"name": "李四"}]
    with pytest.raises(Fault, match="no valid cursor") as fault:
        await page(caller, a=cursor, **changed)
    assert fault.value.code is Code.BAD_INPUT


@pytest.mark.parametrize("first", [0, -1, 1001, 2**31 - 1])
async def test_page_sizes(first: int) -> None:
    with pytest.raises(Fault, match="first must be an integer from 1 to 1000") as fault:
        await page(n=first)
    assert fault.value.code is Code.BAD_INPUT


@pytest.mark.parametrize(("declared", "given"), [("", ""), ("", "(first: null)"), ("query ($n: Int)", "(first: $n)")])
async def test_a_page_without_first_fits_the_grant(declared: str, given: str) -> None:
    """Clients in Java, C# and others send null for what was not set."""
    hub, _ = city()
    text = f"{declared} {{ civilAffairs {{ persons{given} {{ nodes {{ name }} }} }} }}"
    answer = await hub.ask(rights(grant(page_limit=2)), text, {"n": None} if declared else {})
    assert not answer.errors
    assert len(answer.data["civilAffairs"]["persons"]["nodes"]) == 2


async def test_a_big_number_in_a_filter_is_refused_not_failed_on() -> None:
    """A BigInt beyond 64 bits fits no source."""
    hub, _ = city()
    big = {"w": {"name": {"eq": 10**30}}}
    with pytest.raises(Fault) as fault:
        await hub.ask(rights(grant()), TEXT, big)
    assert fault.value.code is Code.BAD_INPUT
