"""Masks in snapshots are the reference's."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import column, select

from connectors.files.dialect import DuckDialect
from masking import reference
from masking.sql import masked
from tests.masking.cases import LABELS, VALUES, golden, mask_of, values

pytestmark = pytest.mark.slow


def in_duckdb(labels: Sequence[str], contents: Sequence[str | None]) -> dict[str, list[object]]:
    answers: dict[str, list[object]] = {}
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE value (position BIGINT, content VARCHAR)")
        connection.execute("INSERT INTO value SELECT unnest(range(len($1))), unnest($1::VARCHAR[])", [list(contents)])
        for label in labels:
            asked = select(masked(mask_of(label), VALUES.c.content, DuckDialect.name)).select_from(VALUES).order_by(column("position"))
            compiled = asked.compile(dialect=DuckDialect.core, compile_kwargs={"render_postcompile": True})
            bound = [compiled.params[name] for name in compiled.positiontup or ()]
            answers[label] = [row[0] for row in connection.execute(str(compiled), bound).fetchall()]
    return answers


def test_golden_vectors() -> None:
    vectors = [vector for vector in golden() if "\0" not in (vector[1] or "")]
    for label in {vector[0] for vector in vectors}:
        pairs = [(value, expected) for other, value, expected in vectors if other == label]
        assert in_duckdb([label], [value for value, _ in pairs])[label] == [expected for _, expected in pairs]


@given(contents=st.lists(values.map(lambda value: value and value.replace("\0", "0")), min_size=20, max_size=60))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
def test_duckdb_equals_the_reference(contents: list[str | None]) -> None:
    assert in_duckdb(LABELS, contents) == {label: [reference.apply(mask_of(label), value) for value in contents] for label in LABELS}
