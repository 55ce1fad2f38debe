"""A column is written by SQLAlchemy once and then stands in statements as text: they are the same statements, and what is kept of them is bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.selection import Binding, Column, Compare, Comparison, Kind, Match, Order, Output, Selection
from connectors.sql import columns, statements
from connectors.sql.columns import Columns
from connectors.sql.dialect import SqlDialect
from connectors.sql.dialect_dameng import DamengDialect
from connectors.sql.dialect_mysql import MysqlDialect
from connectors.sql.dialect_postgres import PostgresDialect
from connectors.sql.dialect_sqlite import SqliteDialect
from connectors.sql.kingbase import KingbaseDialect
from connectors.sql.statements import Statements
from tests.masking.cases import mask_of

pytestmark = pytest.mark.slow

HOSTILE = 'a"b%c%%d?$1:p0'
"""A column's name with whatever means something to somebody."""
LABELS = (
    "KEEP_FIRST_3_LAST_4",
    "MASK_FROM_1_TO_3",
    "MASK_BEFORE_SPECIAL_CHARS(%)",
    "MASK_AFTER_SPECIAL_CHARS(%s?)",
    "MASK_AFTER_SPECIAL_CHARS($1:p0)",
    "MASK_AFTER_SPECIAL_CHARS(%%s)",
    "NAME",
    "DATE_TO_BAND(7)",
    "CONSTANT(%s)",
    "NULL",
)
BINDING = Binding('archive.per"son%s')
DIALECTS: tuple[SqlDialect, ...] = (SqliteDialect(), PostgresDialect(), KingbaseDialect(), MysqlDialect(), MysqlDialect(collated=False))


def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on SQLAlchemy writes whole statements of their parts."""
    write = Columns._write
    monkeypatch.setattr(Columns, "_write", lambda self, *given: replace(write(self, *given), clause=None, text=None))


def outputs(name: str) -> list[Output]:
    """The column by masks of texts, of dates and of numbers, of every kind, and compared."""
    texts = [Column(name, Kind.STRING, mask_of(label)) for label in LABELS]
    dates = [Column(name, kind, mask_of("DATE_TO_YEAR")) for kind in (Kind.DATE, Kind.DATETIME)]
    numbers = [Column(name, kind, mask_of("NUMBER_ROUND(7)")) for kind in (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)]
    return [*texts, *dates, *numbers, *(Column(name, kind) for kind in Kind), Match(name, Kind.STRING, "spellings")]


def written(kept: Statements, asked: Selection) -> list[object]:
    """The statements of a selection, and what is bound in them."""
    made = [kept.rows(asked), kept.rows(asked, Column("id", Kind.STRING)), kept.rows(replace(asked, where=None))]
    return [(each.text, each.places, each.decoders) for each in made]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: type(each).__name__)
def test_statements_are_the_same(dialect: SqlDialect, monkeypatch: pytest.MonkeyPatch) -> None:
    where, order = Compare("nm", Kind.STRING, Comparison.EQ, "n"), (Order("id", Kind.STRING),)
    asked = [Selection(BINDING, (one, Column("id", Kind.STRING)), where, order, ("a",), "most") for one in outputs(HOSTILE)]
    kept = Statements(dialect)
    made = [written(kept, each) for each in asked]
    apart(monkeypatch)
    assert made == [written(Statements(dialect), each) for each in asked]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: type(each).__name__)
def test_what_looks_like_a_place_is_no_text(dialect: SqlDialect) -> None:
    """A constant may read like SQLAlchemy's own mark of the statement's first place."""
    kept = Statements(dialect)
    for word in ("%(p0)s", "__[POSTCOMPILE_p0]"):
        mask = replace(mask_of("MASK_AFTER_SPECIAL_CHARS(x)"), parameters=(word,))
        column = Column("nm", Kind.STRING, mask)
        made = kept.rows(Selection(BINDING, (column,), Compare("x", Kind.BOOLEAN, Comparison.EQ, "x")))
        assert word.replace("%", "%%" if isinstance(dialect, KingbaseDialect) else "%") in made.text
        assert len(made.places) == 1


def test_a_dialect_without_masks_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Selection(BINDING, (Column(name, kind),), limit="most") for name in ("plain", HOSTILE) for kind in Kind]
    kept = Statements(DamengDialect())
    made = [[kept.rows(each).text for each in asked] for _ in range(2)]
    apart(monkeypatch)
    assert made == [[Statements(DamengDialect()).rows(each).text for each in asked]] * 2


def test_a_mask_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    inner = columns.masked
    monkeypatch.setattr(columns, "masked", lambda *given: made.append(given[0]) or inner(*given))  # type: ignore[func-returns-value]
    kept, column = Statements(PostgresDialect()), Column("nm", Kind.STRING, mask_of("KEEP_FIRST_1_LAST_1"))
    for other in "abc":
        kept.rows(Selection(BINDING, (column, Column(other, Kind.STRING))))
    assert len(made) == 1


def test_statements_are_kept_by_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "STATEMENTS_KEPT", 50_000)
    kept = Statements(SqliteDialect())
    asked = [Selection(BINDING, tuple(Column(f"c{n}", Kind.STRING, mask_of("NAME")) for n in range(first, first + 5))) for first in range(20)]
    made = [kept.rows(each) for each in asked]
    assert kept.rows(asked[-1]) is made[-1]
    held = [*kept._kept._younger.values(), *kept._kept._older.values()]
    assert sum(len(each.text) for each in held) < 2 * 50_000 + max(len(each.text) for each in made)
    assert sum(len(each.text) for each in made) > 200_000


def test_the_rest_of_a_statement_is_written_once_for_all_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    inner = statements.Writer._placed
    monkeypatch.setattr(statements.Writer, "_placed", lambda self, query: made.append(query) or inner(self, query))  # type: ignore[func-returns-value]
    kept, where = Statements(PostgresDialect()), Compare("nm", Kind.STRING, Comparison.EQ, "n")
    for name in "abc":
        kept.rows(Selection(BINDING, (Column(name, Kind.STRING),), where))
        kept.rows(Selection(BINDING, (Column(name, Kind.STRING),), where), Column("id", Kind.STRING))
    assert len(made) == 2
