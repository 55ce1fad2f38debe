"""What the hub does with a page's text: escapes on its bytes, cuts the last objects off, and lets a source rest that could not vouch for it."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.selection import Binding, Column, Kind, Rendered, Selection, TextRows
from connectors.sql.rendering import NULL, QUOTE, Doubts, Marked, start_of
from tests.connectors.hostile import FRAGMENTS, hostile_texts

pytestmark = pytest.mark.fast
FORM = Rendered((("a", Column("a", Kind.STRING)), ("b", Column("b", Kind.STRING))))
START = start_of(FORM)
Values = list[tuple[str | None, str | None]]
objects = st.lists(st.tuples(st.none() | hostile_texts(), st.none() | hostile_texts()), max_size=6)


def page(rows: Values) -> Marked:
    """As a database writes it: quotes are looked for row by row."""
    return Marked(",".join(f'{{"a":"{_told(a)}","b":"{_told(b)}"}}' for a, b in rows).encode(), START)


def _told(value: str | None) -> str:
    return NULL.decode() if value is None else value.replace('"', QUOTE.decode())


def dumped(rows: Values) -> bytes:
    return orjson.dumps([{"a": a, "b": b} for a, b in rows])[1:-1]


@given(objects)
def test_bytes_are_those_of_orjson(rows: Values) -> None:
    assert page(rows).written() == dumped(rows)


@given(objects, st.integers(1, 6))
def test_the_last_objects_are_cut_off(rows: Values, count: int) -> None:
    assert page(rows).without_last(count).written() == dumped(rows[:-count])


@pytest.mark.parametrize("text", ["\x01", "\x02", '"\x01', '"\x02', '""\x01', '""\x02"', '"', '""', ',{"a":', '},{"a":"', *FRAGMENTS])
def test_what_looks_like_structure_stays_a_value(text: str) -> None:
    rows: Values = [(text, None), (None, text), (text, text), ("", text), (text + ',{"a":', "")]
    assert page(rows).written() == dumped(rows)
    assert page(rows).without_last(1).written() == dumped(rows[:-1])


def test_what_failed_rests_and_longer_each_time() -> None:
    doubts, selection, other = Doubts(), Selection(Binding("t"), (), text=FORM), Selection(Binding("u"), (), text=FORM)
    failed, sound = TextRows([], None), TextRows([], page([]))
    rests = []
    for _ in range(3):
        doubts.note(selection, failed)
        rests.append(next(i for i in range(100) if not doubts.resting(selection)))
    assert rests == [16, 32, 64]
    assert not doubts.resting(other)
    assert not doubts.resting(Selection(Binding("t"), ()))
    doubts.note(selection, sound)
    doubts.note(selection, failed)
    assert next(i for i in range(100) if not doubts.resting(selection)) == 16
