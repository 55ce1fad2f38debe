"""Pages that PostgreSQL writes as text hold the bytes that the hub would have written, whatever the values are; or the hub is told to write them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.registry import open_source
from connectors.selection import Binding, Column, Kind, Order, Rendered, Row, Selection, TextRows, Undeliverable, Value
from connectors.spi import Source, SourceConfig
from masking.rules import Mask, parse_mask
from schema.scalars import write_bigint
from schema.values import dumped, fits
from tests.connectors.hostile import FRAGMENTS, hostile_texts
from tests.servers.postgres import Postgres
from tests.thorough import examples_of

pytestmark = pytest.mark.slow
_asyncpg: Any = asyncpg
KINDS = {
    "id": Kind.BIGINT,
    "a": Kind.STRING,
    "b": Kind.STRING,
    "c": Kind.STRING,
    "whole": Kind.INTEGER,
    "wide": Kind.INTEGER,
    "big": Kind.BIGINT,
    "born": Kind.DATE,
    "seen": Kind.DATETIME,
    "paid": Kind.DECIMAL,
    "alive": Kind.BOOLEAN,
}
TYPES = ("bigint", "text", "text", "varchar", "integer", "bigint", "bigint", "date", "timestamptz", "numeric", "boolean")
MASKS = (None, None, parse_mask("NAME"), parse_mask("KEEP_FIRST_3_LAST_4"), parse_mask("ID_NUMBER_1_1"), Mask("NULL"), Mask("CONSTANT", ('"\\\x01\n',)))
STABLE = Column("id", Kind.BIGINT)
ORDER = (Order("id", Kind.BIGINT, nullable=False),)
GOOD: dict[str, st.SearchStrategy[str | None]] = {
    "a": st.none() | hostile_texts(),
    "b": st.none() | hostile_texts(),
    "c": st.none() | hostile_texts(),
    "whole": st.none() | st.integers(-(2**31), 2**31 - 1).map(str),
    "wide": st.none() | st.integers(-(2**31), 2**31 - 1).map(str),
    "big": st.none() | st.integers(-(2**63), 2**63 - 1).map(str) | st.sampled_from([str(sign * 2**53 + more) for sign in (1, -1) for more in (-1, 0, 1)]),
    "born": st.none() | st.dates().map(str),
    "seen": st.none() | st.datetimes().map(lambda moment: f"{moment.isoformat()}+00:00"),
    "paid": st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    "alive": st.none() | st.booleans().map(str),
}
BAD = {"wide": str(2**31), "born": "0044-03-15 BC", "seen": "infinity", "paid": "NaN"}


@dataclass(frozen=True)
class Register:
    """A table, read by a source that renders and by one that does not."""

    runner: asyncio.Runner
    connection: Any
    binding: Binding
    rendering: Source
    plain: Source

    def fill(self, rows: Sequence[Sequence[str | None]]) -> None:
        """These rows and no others, numbered from 1."""
        numbered = [(str(number), *row) for number, row in enumerate(rows, 1)]
        values = ", ".join(f"(${place + 1}::text[])" for place in range(len(TYPES)))
        casts = ", ".join(f"v{place}::{type_}" for place, type_ in enumerate(TYPES))
        names = ", ".join(f"v{place}" for place in range(len(TYPES)))
        statement = f"INSERT INTO {self.binding.object} SELECT {casts} FROM unnest({values.replace('(', '').replace(')', '')}) AS given({names})"
        self.runner.run(self.connection.execute(f"DELETE FROM {self.binding.object}"))
        if numbered:
            self.runner.run(self.connection.execute(statement, *(list(column) for column in zip(*numbered, strict=True))))

    def text(self, form: Rendered, *beside: Column, limit: int = 1000) -> TextRows:
        """What the rendering source gives."""
        rows = self.runner.run(self.rendering.fetch(Selection(self.binding, (*beside, STABLE), None, ORDER, (), "limit", form), {"limit": limit}))
        assert isinstance(rows, TextRows)
        return rows

    def shown(self, form: Rendered) -> bytes | None:
        """The objects as the hub writes them, joined by commas; ``None`` where a value cannot be delivered."""
        columns = tuple(dict.fromkeys(value for _, value in form.fields if isinstance(value, Column))) or (STABLE,)
        rows = self.runner.run(self.plain.fetch(Selection(self.binding, columns, None, ORDER), {}))
        objects = [_object(form, columns, row) for row in rows]
        return None if None in objects else dumped(objects)[1:-1]


def _object(form: Rendered, columns: Sequence[Column], row: Row) -> dict[str, Value] | None:
    made: dict[str, Value] = {}
    for key, column in form.fields:
        value = column if isinstance(column, str) else row[columns.index(column)]
        if isinstance(value, Undeliverable) or (isinstance(column, Column) and column.kind is Kind.INTEGER and not fits(value, Kind.INTEGER)):
            return None
        made[key] = write_bigint(value) if isinstance(column, Column) and column.kind is Kind.BIGINT and value is not None else value
    return made


@contextmanager
def opened(postgres: Postgres) -> Iterator[Register]:
    table = f"r{uuid4().hex}"
    with asyncio.Runner() as runner:
        connection = runner.run(_asyncpg.connect(postgres.url().replace("+asyncpg", "")))
        runner.run(connection.execute(f"CREATE TABLE {table} ({', '.join(f'{n} {t}' for n, t in zip(KINDS, TYPES, strict=True))})"))
        sources = [open_source(SourceConfig("a.b", "sql", postgres.url(), timeout_ms=20_000, rendering=where)) for where in ("source", "hub")]
        try:
            yield Register(runner, connection, Binding(table), *sources)
        finally:
            for source in sources:
                runner.run(source.close())
            runner.run(connection.close())


@pytest.fixture(scope="module")
def register(postgres: Postgres) -> Iterator[Register]:
    with opened(postgres) as found:
        yield found


def column(name: str, mask: Mask | None = None) -> Column:
    return Column(name, KINDS[name], mask)


EVERYTHING = Rendered(tuple((name, column(name)) for name in KINDS))


@st.composite
def forms(draw: st.DrawFn) -> Rendered:
    """Response keys with columns, masked or not, each any number of times, and the name of the type."""
    keys = draw(st.lists(st.from_regex(r"\A[_A-Za-z][_0-9A-Za-z]{0,8}\Z"), min_size=1, max_size=12, unique=True))
    texts = st.builds(column, st.sampled_from(["a", "b", "c", "born", "paid"]), st.sampled_from(MASKS))
    return Rendered(tuple((key, draw(texts | st.builds(column, st.sampled_from(list(KINDS))) | st.just("Person"))) for key in keys))


@settings(
    max_examples=examples_of(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(forms(), st.lists(st.tuples(*GOOD.values()), max_size=8))
def test_the_bytes_are_the_hubs(register: Register, form: Rendered, rows: list[tuple[str | None, ...]]) -> None:
    register.fill(rows)
    found = register.text(form)
    assert found.text is not None
    assert found.text.written() == register.shown(form)
    assert list(found) == [(number,) for number in range(1, len(rows) + 1)]
    if rows:
        shorter = register.text(form, limit=len(rows) - 1).text
        assert shorter is not None
        assert found.text.without_last(1).written() == shorter.written()


def test_every_character_that_json_escapes(register: Register) -> None:
    each = [chr(code) for code in (*range(1, 0x80), 0x2028, 0x2029, 0xFFFD, 0xFFFE, 0xFFFF, 0x1F600)]
    several = [*FRAGMENTS, *each, "".join(each), '"' * 1000, "\\" * 1000, "x" * 1_000_000]
    register.fill([(text, text + text, f"贵阳{text}市", *[None] * 7) for text in several])
    found = register.text(EVERYTHING)
    assert found.text is not None
    assert found.text.written() == register.shown(EVERYTHING)


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_delivered_is_never_written(postgres: Postgres, name: str) -> None:
    form = Rendered((("shown", column(name)), ("a", column("a"))))
    with opened(postgres) as register:
        good = [None] * len(GOOD)
        bad = [BAD[name] if each == name else None for each in GOOD]
        register.fill([good, bad, good])
        assert register.shown(form) is None
        assert (list(register.text(form)), register.text(form).text) == ([], None)
        # Masked, its sentinel is told too, unless the mask says nothing of any value.
        if KINDS[name] in (Kind.DATE, Kind.DATETIME, Kind.DECIMAL):
            masked = Rendered((("shown", column(name, parse_mask("DATE_TO_YEAR"))),))
            assert register.text(masked).text is None
        hidden = register.text(Rendered((("shown", column(name, Mask("NULL"))),)))
        assert hidden.text is not None
        assert hidden.text.written() == b",".join([b'{"shown":null}'] * 3)
        # A form that has just failed costs no statement for a while, even where the data are mended.
        start = len(postgres.log.read_bytes())
        register.fill([good])
        assert [register.text(form).text for _ in range(3)] == [None] * 3
        assert "textsend" not in postgres.logged(start)
        assert [register.text(form).text for _ in range(20)][-1] is not None


def test_a_column_of_another_type_is_left_to_the_hub(register: Register) -> None:
    register.fill([("12", "1.50", "true", *[None] * 7)])
    for name, kind in (("a", Kind.INTEGER), ("a", Kind.BIGINT), ("c", Kind.BOOLEAN), ("born", Kind.BIGINT)):
        assert register.text(Rendered((("n", Column(name, kind)),))).text is None
    exact = register.text(Rendered((("n", Column("b", Kind.DECIMAL)),)))
    assert exact.text is not None
    assert exact.text.written() == b'{"n":"1.50"}'


def test_columns_beside_the_text(register: Register) -> None:
    register.fill([(text, *[None] * 9) for text in ('"', "x", "")] + [[None] * 10])
    rows = register.text(Rendered((("t", "Person"),)), column("a"), column("born"))
    assert list(rows) == [('"', None, 1), ("x", None, 2), ("", None, 3), (None, None, 4)]


def test_only_a_source_that_is_told_to_renders(postgres: Postgres, register: Register) -> None:
    assert register.plain.capabilities.renders == frozenset()
    assert register.rendering.capabilities.renders == frozenset(Kind) - {Kind.FLOAT}


@pytest.mark.parametrize("fields", [(('a"', column("a")),), (("a", 'x"'),), ()])
def test_keys_are_names(register: Register, fields: tuple[tuple[str, Column | str], ...]) -> None:
    with pytest.raises(ValueError, match="rendered row"):
        register.text(Rendered(fields))
