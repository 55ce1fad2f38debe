"""MariaDB masks as the reference does, whatever the column's collation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncmy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sql.dialect_mysql import MysqlDialect
from masking import reference
from tests.masking.cases import LABELS, golden, mask_of, statement, values
from tests.servers.mariadb import Mariadb

pytestmark = pytest.mark.slow

_asyncmy: Any = asyncmy
SETTINGS = "SET sql_mode = 'NO_BACKSLASH_ESCAPES'"


async def in_mariadb(server: Mariadb, labels: Sequence[str], contents: Sequence[str | None], collation: str) -> dict[str, list[object]]:
    connection = await _asyncmy.connect(host=server.host, port=server.port, user=server.user, database="test", autocommit=True, init_command=SETTINGS)
    try:
        await connection.query(f"CREATE TEMPORARY TABLE `value` (position int, content longtext COLLATE {collation})")
        writing = await connection.prepare("INSERT INTO `value` VALUES (?, ?)")
        for place, content in enumerate(contents):
            await writing.execute((place, content))
        answers: dict[str, list[object]] = {}
        for label in labels:
            text, bound = statement(mask_of(label), MysqlDialect.core)
            result = await (await connection.prepare(text)).execute(bound)
            answers[label] = [row[0] for row in result.rows]
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
        answers = asyncio.run(in_mariadb(mariadb, [label], [value for value, _ in pairs], collation))
        assert answers[label] == [expected for _, expected in pairs]


@given(contents=st.lists(values, min_size=20, max_size=60))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example])
def test_mariadb_equals_the_reference(mariadb: Mariadb, contents: list[str | None]) -> None:
    answers = asyncio.run(in_mariadb(mariadb, LABELS, contents, "utf8mb4_unicode_ci"))
    assert answers == {label: [reference.apply(mask_of(label), value) for value in contents] for label in LABELS}
