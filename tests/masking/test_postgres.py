"""PostgreSQL masks as the reference does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql.base import PGDialect

from masking import reference
from tests.masking.cases import LABELS, golden, mask_of, statement, values
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.slow

DIALECT = PGDialect(paramstyle="numeric_dollar")


async def in_postgres(server: Postgres, labels: Sequence[str], contents: Sequence[str | None]) -> dict[str, list[object]]:
    connection = await asyncpg.connect(server.url().replace("+asyncpg", ""))
    try:
        await connection.execute("CREATE TEMPORARY TABLE value (position text, content text)")
        await connection.execute(
            "INSERT INTO value SELECT to_char(place, '000000'), each FROM unnest($1::text[]) WITH ORDINALITY AS u(each, place)", list(contents)
        )
        answers: dict[str, list[object]] = {}
        for label in labels:
            text, bound = statement(mask_of(label), DIALECT)
            answers[label] = [row[0] for row in await connection.fetch(text, *bound)]
        return answers
    finally:
        await connection.close()


def test_golden_vectors(postgres: Postgres) -> None:
    vectors = [vector for vector in golden() if "\0" not in (vector[1] or "")]
    for label in {vector[0] for vector in vectors}:
        pairs = [(value, expected) for other, value, expected in vectors if other == label]
        answers = asyncio.run(in_postgres(postgres, [label], [value for value, _ in pairs]))
        assert answers[label] == [expected for _, expected in pairs]


@given(contents=st.lists(values.map(lambda value: value and value.replace("\0", "0")), min_size=20, max_size=60))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example])
def test_postgres_equals_the_reference(postgres: Postgres, contents: list[str | None]) -> None:
    answers = asyncio.run(in_postgres(postgres, LABELS, contents))
    assert answers == {label: [reference.apply(mask_of(label), value) for value in contents] for label in LABELS}
