"""The city of the bench: numbers that departments would take for real ones, and the same in the database as in Python."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from stdnum.cn import ric, uscc

from loadtests.city import City
from tests.loadtests.small_city import SMALL, filled
from tests.servers.postgres import Postgres


@pytest.fixture(scope="module")
def city(postgres: Postgres) -> Iterator[psycopg.Connection]:
    """A connection to a filled database."""
    with psycopg.connect(filled(postgres, "bench_city"), autocommit=True) as connection:
        yield connection


@pytest.mark.fast
def test_numbers_of_residents_are_distinct_and_check_out() -> None:
    whole = City()
    numbers = [whole.id_number(n) for n in range(1, whole.persons, 499)]
    assert len(set(numbers)) == len(numbers)
    assert all(len(number) == 18 and ric.calc_check_digit(number) == number[17] for number in numbers)
    assert {ric.get_birth_date(number).year for number in numbers} >= set(range(1950, 2004))


@pytest.mark.fast
def test_another_seed_is_another_city() -> None:
    assert City(seed=8).id_number(1) != City(seed=7).id_number(1)


@pytest.mark.slow
def test_the_database_holds_whom_python_tells(city: psycopg.Connection) -> None:
    rows = city.execute("SELECT id, id_number, name, gender, birth_date FROM person ORDER BY id").fetchall()
    assert [row[0] for row in rows] == list(range(1, SMALL.persons + 1))
    assert [row[1:3] for row in rows] == [(SMALL.id_number(n), SMALL.name(n)) for n in range(1, SMALL.persons + 1)]
    assert all((gender, born) == ("女男"[int(number[16]) % 2], ric.get_birth_date(number)) for _, number, _, gender, born in rows)


@pytest.mark.slow
def test_companies_have_valid_codes_and_representatives_that_live_there(city: psycopg.Connection) -> None:
    rows = city.execute("SELECT uscc, status, person.id FROM company LEFT JOIN person ON id_number = legal_rep_id_number ORDER BY company.id").fetchall()
    assert len(rows) == SMALL.companies
    assert all(uscc.is_valid(code) for code, _, _ in rows)
    assert {status for _, status, _ in rows} == {"ACTIVE", "REVOKED"}
    assert all(person is not None for _, _, person in rows)


@pytest.mark.slow
def test_lists_are_read_by_an_index_and_need_no_sorting(city: psycopg.Connection) -> None:
    text = "EXPLAIN SELECT * FROM person WHERE gender = '男' AND id > 10 ORDER BY id LIMIT 100"
    plan = "\n".join(line for (line,) in city.execute(text).fetchall())
    assert "Index Scan" in plan
    assert "Sort" not in plan
