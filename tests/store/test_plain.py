"""Statements that go to the driver as they are say the same on both databases, and fail as SQLAlchemy's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from hub.store import plain
from hub.store.engine import open_engine
from hub.store.turns import writing
from tests.servers.postgres import Postgres
from tests.store.databases import make_database

pytestmark = pytest.mark.slow
_ADD = "INSERT INTO word (text, times) VALUES (:text, :times) ON CONFLICT (text) DO UPDATE SET times = word.times + excluded.times"
_TEXTS = ["50 %", "a:b ::text", "o'neil", "某\n某"]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with a table of words."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'words.db'}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = make_database(postgres, f"plain_{tmp_path.name[:24]}")
    made = open_engine(url)
    with writing(made) as connection:
        plain.do(connection, "CREATE TABLE word (text text PRIMARY KEY, times bigint NOT NULL)")
    yield made
    made.dispose()


def held(engine: Engine) -> dict[str, int]:
    """What the table holds."""
    with engine.connect() as connection:
        return dict(plain.ask(connection, "SELECT text, times FROM word", {}))


def test_values_of_any_kind_of_text_are_written_and_found(engine: Engine) -> None:
    for _ in range(2):
        with writing(engine) as connection:
            plain.write(connection, _ADD, [{"text": text, "times": 2**40 + number} for number, text in enumerate(_TEXTS)])
    assert held(engine) == {text: 2 * (2**40 + number) for number, text in enumerate(_TEXTS)}
    with engine.connect() as connection:
        asked = "SELECT text FROM word WHERE text AMONG :wanted AND times > :least ORDER BY text"
        for wanted in ([], _TEXTS[:1], [*_TEXTS[1:3], "none"]):
            found = plain.ask(connection, asked, {"wanted": plain.among(connection, wanted), "least": 1})
            assert found == [(text,) for text in sorted(wanted) if text in _TEXTS]


def test_what_is_done_behind_a_savepoint_can_be_undone_alone(engine: Engine) -> None:
    with writing(engine) as connection:
        plain.write(connection, _ADD, [{"text": "before", "times": 1}])
        plain.do(connection, "SAVEPOINT one")
        with pytest.raises(IntegrityError):
            plain.write(connection, _ADD, [{"text": "within", "times": 1}, {"text": "bad", "times": None}])
        plain.do(connection, "ROLLBACK TO SAVEPOINT one")
        plain.do(connection, "RELEASE SAVEPOINT one")
    assert held(engine) == {"before": 1}


def test_faults_are_those_that_sqlalchemy_tells_and_quote_no_value(engine: Engine) -> None:
    refused = OperationalError, ProgrammingError
    with writing(engine) as connection, pytest.raises(refused) as fault:
        plain.write(connection, "INSERT INTO missing (text) VALUES (:text)", [{"text": "a secret"}])
    assert "a secret" not in str(fault.value)
    with engine.connect() as connection, pytest.raises(refused):
        plain.ask(connection, "SELECT text FROM missing WHERE text = :text", {"text": "a secret"})
    with engine.connect() as connection, pytest.raises(refused):
        plain.do(connection, "RELEASE SAVEPOINT none")
