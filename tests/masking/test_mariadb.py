"""MariaDB masks as the reference does, whatever the column's collation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncmy
import pytest
from hypothesis import HealthCheck, given, settings

from connectors.selection import Kind
from connectors.sql.dialect_mysql import MysqlDialect
from masking import reference
from tests.masking.cases import LABELS, NUMBER_LABELS, golden, many_numbers, many_values, mask_of, number_statement, statement
from tests.servers.mariadb import Mariadb

pytestmark = pytest.mark.slow

_asyncmy: Any = asyncmy
Statement = tuple[str, list[object]]
DIALECT = MysqlDialect()
SETTINGS = "SET sql_mode = 'NO_BACKSLASH_ESCAPES'"


async def in_mariadb(server: Mariadb, statements: Sequence[Statement], contents: Sequence[object], type_: str) -> list[list[object]]:
    connection = await _asyncmy.connect(host=server.host, port=server.port, user=server.user, database="test", autocommit=True, init_command=SETTINGS)
    try:
        await connection.query(f"CREATE TEMPORARY TABLE `value` (position int, content {type_})")
        writing = await connection.prepare(f"INSERT INTO `value` VALUES {', '.join(['(?, ?)'] * len(contents))}")
        await writing.execute([each for pair in enumerate(contents) for each in pair])
        answers: list[list[object]] = []
        for text, bound in statements:
            result = await (await connection.prepare(text)).execute(bound)
            answers.append([row[0] for row in result.rows])
        return answers
    finally:
        await connection.ensure_closed()


@pytest.fixture(scope="module", autouse=True)
def database(mariadb: Mariadb) -> None:
    async def created() -> None:
        connection = await _asyncmy.connect(host=mariadb.host, port=mariadb.port, user=mariadb.user)
        await connection.query("CREATE DATABASE IF NOT EXISTS test CHARACTER SET utf8mb4")
        await connection.ensure_closed()

    asyncio.run(created())


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"])
def test_golden_vectors(mariadb: Mariadb, collation: str) -> None:
    vectors = golden()
    for label in {vector[0] for vector in vectors}:
        pairs = [(value, expected) for other, value, expected in vectors if other == label]
        contents = [value for value, _ in pairs]
        answers = asyncio.run(in_mariadb(mariadb, [statement(mask_of(label), DIALECT.core)], contents, f"longtext COLLATE {collation}"))
        assert answers == [[expected for _, expected in pairs]]


@given(contents=many_values)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_mariadb_equals_the_reference(mariadb: Mariadb, contents: list[str | None]) -> None:
    statements = [statement(mask_of(label), DIALECT.core) for label in LABELS]
    answers = asyncio.run(in_mariadb(mariadb, statements, contents, "longtext COLLATE utf8mb4_unicode_ci"))
    assert dict(zip(LABELS, answers, strict=True)) == {label: [reference.apply(mask_of(label), value) for value in contents] for label in LABELS}


@given(contents=many_numbers)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_numbers_equal_the_reference(mariadb: Mariadb, contents: dict[Kind, list[Any]]) -> None:
    for kind, type_ in ((Kind.BIGINT, "bigint"), (Kind.FLOAT, "double"), (Kind.DECIMAL, "decimal(40, 3)")):
        numbers = [*contents[kind], None]
        statements = [number_statement(mask_of(label), DIALECT, kind) for label in NUMBER_LABELS]
        answers = asyncio.run(in_mariadb(mariadb, statements, numbers, type_))
        assert answers == [[reference.apply(mask_of(label), value) for value in numbers] for label in NUMBER_LABELS]


def test_unsigned_numbers_beyond_the_border_are_withheld(mariadb: Mariadb) -> None:
    statements = [number_statement(mask_of("NUMBER_TO_INTERVAL(10)"), DIALECT, Kind.BIGINT)]
    assert asyncio.run(in_mariadb(mariadb, statements, [2**64 - 1, 2**63, 55], "bigint unsigned")) == [[None, None, 50]]
