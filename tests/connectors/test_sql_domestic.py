"""Databases that no test can start: what is written for them, what is left to the hub, and what is said where they are not there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import ConfigFault, SourceRefused, SourceUnavailable
from connectors.negotiation import negotiate
from connectors.registry import open_source
from connectors.selection import Binding, Column, Compare, Comparison, Every, Kind, Match, Order, Predicate, Selection
from connectors.spi import SourceConfig
from connectors.sql.dialect_dameng import CAPABILITIES, MOST_LISTED, DamengDialect
from connectors.sql.mysql import READ_ONLY
from connectors.sql.mysql_kin import OceanbaseDriver, TidbDriver
from connectors.sql.statements import KEYS, Statements
from masking.rules import Mask
from tests.connectors.people import KINDS
from tests.servers.postgres import free_port

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
PERSON = Binding("REGISTER.PERSON")
STABLE = Order("record_no", Kind.BIGINT, nullable=False)
DAMENG = Statements(DamengDialect())


def written(selection: Selection, key: Column | None = None) -> str:
    return " ".join(DAMENG.rows(selection, key).text.split())


def compare(column: str, comparison: Comparison) -> Compare:
    return Compare(column, KINDS[column], comparison, "v")


def person(*names: str, where: Predicate | None = None, order: Sequence[Order] = (), **more: Any) -> Selection:
    return Selection(PERSON, tuple(Column(name, KINDS[name]) for name in names), where, tuple(order), **more)


def test_dameng_pages_by_keyset() -> None:
    page = person("name", where=compare("district", Comparison.EQ), order=(Order("age", Kind.INTEGER), STABLE), after=("a", "b"), limit="n")
    assert written(page) == (
        'SELECT "REGISTER"."PERSON"."name" AS o0 FROM "REGISTER"."PERSON" WHERE "REGISTER"."PERSON"."district" = ? AND '
        '("REGISTER"."PERSON"."age" > ? OR "REGISTER"."PERSON"."age" IS NULL AND ? IS NOT NULL OR '
        'DECODE("REGISTER"."PERSON"."age", ?, 1, 0) = 1 AND "REGISTER"."PERSON"."record_no" > ?) '
        'ORDER BY "REGISTER"."PERSON"."age" ASC NULLS LAST, "REGISTER"."PERSON"."record_no" ASC FETCH FIRST ? ROWS ONLY'
    )
    assert DAMENG.rows(page).arguments({"v": "520102", "a": 7, "b": 3, "n": 10}) == ["520102", 7, 7, 7, 3, 10]


def test_dameng_dates_and_moments_travel_as_text() -> None:
    selection = person("born", "seen", where=Every((compare("born", Comparison.GTE), compare("seen", Comparison.EQ))))
    text = written(selection)
    assert 'to_char("REGISTER"."PERSON"."born", \'YYYY-MM-DD\')' in text
    assert "'YYYY-MM-DD\"T\"HH24:MI:SS.FF6'" in text
    assert "CAST(? AS DATE)" in text
    statement = DAMENG.rows(person("seen", "amount", "active"))
    assert statement.rows([("2026-11-22T08:00:00.000000", Decimal("0.10"), 1)]) == [("2026-11-22T08:00:00+00:00", "0.10", True)]


def test_dameng_lists_have_a_hundred_places() -> None:
    statement = DAMENG.rows(person("name"), Column("id_number", Kind.STRING))
    assert statement.text.count("?") == MOST_LISTED + 1
    assert statement.arguments({KEYS: ["a", "b"]}) == [1, "a", *["b"] * (MOST_LISTED - 1)]
    assert statement.arguments({KEYS: []}) == [0, *[None] * MOST_LISTED]
    with pytest.raises(SourceRefused, match="at most 100 values"):
        statement.arguments({KEYS: [str(n) for n in range(MOST_LISTED + 1)]})


@pytest.mark.parametrize(
    "selection",
    [
        person("name", where=compare("name", Comparison.GT)),
        person("name", where=compare("age", Comparison.IS_NULL)),
        person("name", where=compare("name", Comparison.STARTS_WITH)),
        person("name", where=compare("age", Comparison.NOT_IN)),
        person("name", order=(Order("name", Kind.STRING), STABLE)),
        Selection(PERSON, (Match("name", Kind.STRING, "v"),)),
        Selection(PERSON, (Column("name", Kind.STRING, Mask("NAME")),)),
    ],
)
def test_what_dameng_is_not_known_to_do_alike_is_the_hub_s(selection: Selection) -> None:
    plan = negotiate(CAPABILITIES, selection)
    assert not plan.whole
    assert plan.asked.where is None
    assert all(isinstance(output, Column) and output.mask is None for output in plan.asked.outputs)


def test_what_dameng_does_goes_straight_through() -> None:
    selection = person("name", where=compare("age", Comparison.GT), order=(STABLE,), limit="n")
    assert negotiate(CAPABILITIES, selection).whole


@pytest.mark.parametrize("scheme", ["dm", "kingbase", "gaussdb", "opengauss", "tidb", "oceanbase"])
async def test_a_server_that_is_not_there(scheme: str) -> None:
    """The vendors' real drivers, against a port on which nobody listens."""
    source = open_source(SourceConfig("city.register", "sql", f"{scheme}://reader@127.0.0.1:{free_port()}/register"))
    with pytest.raises(SourceUnavailable, match="not reachable"):
        await source.count(Selection(PERSON, ()), {})
    assert not (await source.check()).ok
    await source.close()


@pytest.mark.parametrize(
    ("scheme", "module", "extra"), [("dm", "dmPython", "dameng"), ("kingbase", "ksycopg2", "kingbase"), ("gaussdb", "async_gaussdb", "gaussdb")]
)
def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, scheme: str, module: str, extra: str) -> None:
    """The fault says which extra to install."""
    for loaded in [name for name in sys.modules if name.startswith(("dmSQLAlchemy", "connectors.sql.dialect_dameng"))]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigFault) as caught:
        open_source(SourceConfig("city.register", "sql", f"{scheme}://reader@db:5236/register"))
    assert module in caught.value.message
    assert f"huitong[{extra}]" in caught.value.hint


def test_sessions_of_tidb_and_oceanbase() -> None:
    """What MySQL's kin would refuse is not sent; statements are cut in their own ways."""
    tidb, oceanbase = TidbDriver("a.b", {}, 3000), OceanbaseDriver("a.b", {}, 3000)
    assert READ_ONLY not in tidb.settings
    assert READ_ONLY in oceanbase.settings
    assert tidb.limits("8.0.11-TiDB-v8.5.0", 3000) == ["SET max_execution_time = 3000"]
    assert oceanbase.limits("5.7.25-OceanBase-v4.3", 3000) == ["SET ob_query_timeout = 3000000"]


def test_mysql_s_kin_is_written_like_mysql() -> None:
    """Lists place by place, texts by their bytes, nulls last."""
    selection = person("name", where=compare("id_number", Comparison.IN), order=(Order("name", Kind.STRING), STABLE), limit="n")
    text = " ".join(Statements(TidbDriver.dialect).rows(selection).text.split())
    assert "`id_number` IN" in text
    assert "JSON_TABLE" not in text
    assert text.endswith("LIMIT ?")
