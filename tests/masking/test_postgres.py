"""PostgreSQL masks as the reference does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings

from connectors.selection import Kind
from connectors.sql.dialect_postgres import PostgresDialect
from masking import reference
from tests.masking.cases import LABELS, NUMBER_LABELS, golden, many_numbers, many_values, mask_of, number_statement, statement
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.slow

Statement = tuple[str, list[object]]
DIALECT = PostgresDialect()
NO_NUMBERS = ["NaN", "Infinity", "-Infinity"]


async def in_postgres(server: Postgres, statements: Sequence[Statement], contents: Sequence[object], type_: str = "text") -> list[list[object]]:
    connection = await asyncpg.connect(server.url().replace("+asyncpg", ""))
    try:
        await connection.execute(f"CREATE TEMPORARY TABLE value (position text, content {type_})")
        listed = [value if value is None or isinstance(value, str) else repr(value) for value in contents]
        await connection.execute(
            f"INSERT INTO value SELECT to_char(place, '000000'), each::{type_.partition(' COLLATE')[0]} FROM unnest($1::text[]) WITH ORDINALITY AS u(each, place)",
            listed,
        )
        return [[row[0] for row in await connection.fetch(text, *bound)] for text, bound in statements]
    finally:
        await connection.close()


def test_golden_vectors(postgres: Postgres) -> None:
    vectors = [vector for vector in golden() if "\0" not in (vector[1] or "")]
    for label in {vector[0] for vector in vectors}:
        pairs = [(value, expected) for other, value, expected in vectors if other == label]
        answers = asyncio.run(in_postgres(postgres, [statement(mask_of(label), DIALECT.core)], [value for value, _ in pairs]))
        assert answers == [[expected for _, expected in pairs]]


def test_no_collation_decides_what_a_word_is(postgres: Postgres) -> None:
    """A nondeterministic collation takes ``０`` for ``0``, and PostgreSQL looks for no text in its columns."""

    async def made() -> None:
        connection = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
        await connection.execute("CREATE COLLATION IF NOT EXISTS loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
        await connection.close()

    asyncio.run(made())
    contents = ["０851-85591234", "１990-05-17", "Ab@QQ.com", "贵阳市南明区花果园", "a号1", "-12.50", "１2"]
    answers = asyncio.run(in_postgres(postgres, [statement(mask_of(label), DIALECT.core) for label in LABELS], contents, "text COLLATE loose"))
    assert dict(zip(LABELS, answers, strict=True)) == {label: [reference.apply(mask_of(label), value) for value in contents] for label in LABELS}


@given(contents=many_values)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_postgres_equals_the_reference(postgres: Postgres, contents: list[str | None]) -> None:
    contents = [value and value.replace("\0", "0") for value in contents]
    answers = asyncio.run(in_postgres(postgres, [statement(mask_of(label), DIALECT.core) for label in LABELS], contents))
    assert dict(zip(LABELS, answers, strict=True)) == {label: [reference.apply(mask_of(label), value) for value in contents] for label in LABELS}


@given(contents=many_numbers)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_numbers_equal_the_reference(postgres: Postgres, contents: dict[Kind, list[Any]]) -> None:
    for kind, type_, more in (
        (Kind.BIGINT, "bigint", []),
        (Kind.BIGINT, "numeric", []),
        (Kind.FLOAT, "double precision", NO_NUMBERS),
        (Kind.DECIMAL, "numeric", ["NaN"]),
    ):
        numbers = [*contents[kind], None]
        answers = asyncio.run(in_postgres(postgres, [number_statement(mask_of(label), DIALECT, kind) for label in NUMBER_LABELS], [*numbers, *more], type_))
        withheld = [None] * len(more)
        assert answers == [[*(reference.apply(mask_of(label), value) for value in numbers), *withheld] for label in NUMBER_LABELS]
