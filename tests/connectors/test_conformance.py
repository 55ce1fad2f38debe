"""What every connector answers alike (SPI): values, nulls, comparisons, order, pages, keys, masks, matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import pytest

from connectors.errors import SourceRefused
from connectors.selection import SALT, Binding, Column, Compare, Comparison, Every, Kind, Match, Not, Order, Predicate, Row, Selection, Some, Value
from connectors.spi import Parameters, Source, SourceConfig
from connectors.sql import SqlConnector
from connectors.wire import comparable, scrambled
from masking import reference
from masking.rules import Mask, parse_mask
from tests.connectors.people import KINDS, NAMES, PEOPLE, columns, write_postgres, write_sqlite
from tests.connectors.stands.stand import People
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.anyio
STABLE = Order("record_no", Kind.BIGINT, nullable=False)


def compare(column: str, comparison: Comparison, parameter: str = "v") -> Compare:
    return Compare(column, KINDS[column], comparison, parameter)


async def numbers(people: People, where: Predicate | None, parameters: Parameters | None = None) -> list[Value]:
    selection = Selection(people.binding, columns("record_no"), where, (STABLE,))
    found = [row[0] for row in await people.source.fetch(selection, parameters or {})]
    assert await people.source.count(selection, parameters or {}) == len(found)
    return found


@pytest.mark.behaviour("数据类型、空值、Unicode、大整数、小数、日期与时区", "types, nulls, Unicode, big integers, decimals, dates, time zones")
async def test_values_are_wire_values(people: People) -> None:
    rows = await people.source.fetch(Selection(people.binding, columns(*NAMES), None, (STABLE,)), {})
    assert list(rows) == list(PEOPLE)
    assert [[type(value) for value in row] for row in rows] == [[type(value) for value in row] for row in PEOPLE]


@pytest.mark.behaviour("不取列", "rows without columns")
async def test_no_outputs_give_empty_rows(people: People) -> None:
    assert await people.source.fetch(Selection(people.binding, ()), {}) == [()] * len(PEOPLE)


@pytest.mark.behaviour("比较（含空值与文字的码位）", "comparisons, with nulls and text by code point")
@pytest.mark.parametrize(
    ("column", "comparison", "value", "expected"),
    [
        ("name", Comparison.EQ, "𠮷田一郎", [4]),
        ("name", Comparison.EQ, "a_B%c\\d'e\"f", []),
        ("name", Comparison.EQ, "", [6]),
        ("name", Comparison.NE, "", [1, 2, 3, 4, 7, 8, 9]),
        ("name", Comparison.STARTS_WITH, "古丽米热·", [3]),
        ("name", Comparison.STARTS_WITH, "a_", [7]),
        ("name", Comparison.STARTS_WITH, "A", [8]),
        ("name", Comparison.STARTS_WITH, "%", []),
        ("name", Comparison.STARTS_WITH, "a_b%c\\d'", [7]),
        ("name", Comparison.STARTS_WITH, "𠮷", [4]),
        ("name", Comparison.STARTS_WITH, "", [1, 2, 3, 4, 6, 7, 8, 9]),
        ("name", Comparison.GT, "￥全角", [4]),
        ("name", Comparison.LTE, "A_b", [6, 8]),
        ("district", Comparison.GTE, "Zz", [7, 8, 9]),
        ("id_number", Comparison.EQ, "520102850101123", [2]),
        ("id_number", Comparison.IN, ["520102850101123", "110101199901011234", "0"], [2, 3]),
        ("id_number", Comparison.IN, [], []),
        ("id_number", Comparison.NOT_IN, [], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("district", Comparison.NOT_IN, ["520102", "zz"], [3, 4, 7, 9]),
        ("age", Comparison.EQ, 34, [1, 3, 6]),
        ("age", Comparison.LT, 7, [5, 8]),
        ("age", Comparison.NOT_IN, [34, 7], [5, 8]),
        ("age", Comparison.IS_NULL, True, [2]),
        ("age", Comparison.IS_NULL, False, [1, 3, 4, 5, 6, 7, 8, 9]),
        ("points", Comparison.EQ, 2**53 + 1, [1]),
        ("points", Comparison.IN, [2**53, 2**63 - 1, -(2**63)], [2, 3]),
        ("height", Comparison.GT, 1.75, [6, 7, 8, 9]),
        ("height", Comparison.IN, [0.1, 2.5], [2, 7, 8, 9]),
        ("amount", Comparison.EQ, "2.5", [7, 8, 9]),
        ("amount", Comparison.GTE, "2.5", [1, 5, 7, 8, 9]),
        ("amount", Comparison.IN, ["0.1", "-12.340"], [2, 4]),
        ("amount", Comparison.NOT_IN, ["0.1", "2.5"], [1, 4, 5, 6]),
        ("active", Comparison.EQ, True, [1, 4, 7, 8]),
        ("active", Comparison.IN, [False], [2, 5, 9]),
        ("born", Comparison.LTE, "1990-05-17", [1, 2]),
        ("born", Comparison.IN, ["1990-05-18", "2018-02-28"], [4, 7, 8, 9]),
        ("seen", Comparison.EQ, "2026-11-22T16:00:00+08:00", [1, 7]),
        ("seen", Comparison.GT, "2026-11-22T08:00:00+00:00", [2, 6]),
        ("seen", Comparison.IN, ["2026-11-22T07:59:59.999999Z", "2026-01-01T00:00:00Z"], [5, 8, 9]),
        ("seen", Comparison.NE, "2026-01-01T00:00:00+00:00", [1, 2, 4, 5, 6, 7]),
        ("age", Comparison.EQ, None, []),
    ],
)
async def test_comparison(people: People, column: str, comparison: Comparison, value: Value | Sequence[Value], expected: list[int]) -> None:
    assert await numbers(people, compare(column, comparison), {"v": value}) == expected


@pytest.mark.behaviour("三值逻辑", "three-valued logic")
async def test_logic_is_three_valued(people: People) -> None:
    older, minor = compare("age", Comparison.GTE, "a"), compare("age", Comparison.LT, "b")
    assert await numbers(people, Not(older), {"a": 7}) == [5, 8]
    assert await numbers(people, Some((older, minor)), {"a": 7, "b": 0}) == [1, 3, 4, 6, 7, 8, 9]
    assert await numbers(people, Not(Every((older, minor))), {"a": 7, "b": 10}) == [1, 3, 5, 6, 8]
    assert await numbers(people, Every(())) == list(range(1, 10))
    assert await numbers(people, Some(())) == []
    assert await numbers(people, Not(Some(()))) == list(range(1, 10))


@pytest.mark.behaviour("一参数多类型", "one parameter for columns of several types")
async def test_one_parameter_may_serve_columns_of_different_types(people: People) -> None:
    both = Some((compare("age", Comparison.EQ), compare("points", Comparison.EQ), compare("height", Comparison.EQ)))
    assert await numbers(people, both, {"v": 7}) == [4, 7, 9]


ORDERS = [
    (Order("name", Kind.STRING), STABLE),
    (Order("name", Kind.STRING, descending=True), STABLE),
    (Order("district", Kind.STRING, descending=True), Order("age", Kind.INTEGER), STABLE),
    (Order("age", Kind.INTEGER, descending=True), replace(STABLE, descending=True)),
    (Order("amount", Kind.DECIMAL), STABLE),
    (Order("active", Kind.BOOLEAN), Order("height", Kind.FLOAT, descending=True), STABLE),
    (Order("born", Kind.DATE, descending=True), STABLE),
    (Order("seen", Kind.DATETIME), STABLE),
    (Order("points", Kind.BIGINT), STABLE),
    (replace(STABLE, descending=True),),
]


def sorted_people(order: tuple[Order, ...]) -> list[Row]:
    rows = list(PEOPLE)
    for key in reversed(order):
        place = NAMES.index(key.column)
        known = [row for row in rows if row[place] is not None]
        known.sort(key=lambda row, place=place, kind=key.kind: comparable(row[place], kind), reverse=key.descending)  # type: ignore[misc]
        rows = known + [row for row in rows if row[place] is None]
    return rows


@pytest.mark.behaviour("排序：并列、空值在后", "order with ties, nulls last")
@pytest.mark.parametrize("order", ORDERS)
async def test_order_puts_nulls_last_and_compares_code_points(people: People, order: tuple[Order, ...]) -> None:
    rows = await people.source.fetch(Selection(people.binding, columns(*NAMES), None, order), {})
    assert list(rows) == sorted_people(order)


@pytest.mark.behaviour("键集分页", "keyset pages, complete and without doubles")
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 2, 4])
async def test_pages_are_complete_and_have_no_doubles(people: People, order: tuple[Order, ...], size: int) -> None:
    after = tuple(f"a{place}" for place in range(len(order)))
    first = Selection(people.binding, columns(*NAMES), None, order, limit="limit")
    later = replace(first, after=after)
    pages: list[Row] = list(await people.source.fetch(first, {"limit": size}))
    while len(pages) <= len(PEOPLE):
        position = {name: pages[-1][NAMES.index(key.column)] for name, key in zip(after, order, strict=True)}
        page = await people.source.fetch(later, {"limit": size, **position})
        if not page:
            break
        pages += page
    assert pages == sorted_people(order)


SCRAMBLED = [
    (Order("record_no", Kind.BIGINT, nullable=False, scrambled=True), STABLE),
    (Order("name", Kind.STRING, descending=True, scrambled=True), Order("name", Kind.STRING), STABLE),
    (Order("district", Kind.STRING), Order("points", Kind.BIGINT, scrambled=True), STABLE),
    (Order("born", Kind.DATE, scrambled=True), STABLE),
]


def scrambled_people(order: tuple[Order, ...], salt: str) -> list[Row]:
    """By its definition, every hash written out."""
    rows = list(PEOPLE)
    for key in reversed(order):
        place = NAMES.index(key.column)
        sorted_by = [scrambled(salt, row[place]) if key.scrambled else comparable(row[place], key.kind) for row in rows]
        known = sorted(((value, at) for at, value in enumerate(sorted_by) if value is not None), key=itemgetter(0), reverse=key.descending)
        rows = [rows[at] for _, at in known] + [row for row in rows if row[place] is None]
    return rows


@pytest.mark.behaviour("按密钥打乱的排序与翻页", "scrambled order, and pages of it")
@pytest.mark.parametrize("order", SCRAMBLED)
async def test_a_scrambled_order_is_that_of_the_hashes(people: People, order: tuple[Order, ...]) -> None:
    """The same bytes are hashed everywhere; pages of it lose nothing and repeat nothing."""
    after = tuple(f"a{place}" for place in range(len(order)))
    for salt in ("0f", "盐 'salt'"):
        expected = scrambled_people(order, salt)
        first = Selection(people.binding, columns(*NAMES), None, order, limit="limit")
        pages: list[Row] = list(await people.source.fetch(first, {SALT: salt, "limit": 2}))
        while len(pages) < len(PEOPLE):
            position = {name: pages[-1][NAMES.index(key.column)] for name, key in zip(after, order, strict=True)}
            page = await people.source.fetch(replace(first, after=after), {SALT: salt, "limit": 2, **position})
            assert page
            pages += page
        assert pages == expected


@pytest.mark.behaviour("按键批量查找", "look-up by keys")
async def test_keys(people: People) -> None:
    selection = Selection(people.binding, columns("record_no"), compare("record_no", Comparison.LT), (replace(STABLE, descending=True),))
    key = Column("district", Kind.STRING)
    found = await people.source.fetch_by_keys(selection, {"v": 7}, key, ["520102", "520103", "zz", "nowhere"])
    assert {value: list(rows) for value, rows in found.items()} == {"520102": [(6,), (2,), (1,)], "520103": [(4,), (3,)]}
    assert await people.source.fetch_by_keys(selection, {"v": 7}, key, []) == {}


@pytest.mark.behaviour("各类型的键", "keys of every type")
@pytest.mark.parametrize(
    ("column", "asked"),
    [
        ("id_number", "520102850101123"),
        ("record_no", 2),
        ("points", -(2**63)),
        ("amount", "0.1"),
        ("born", "1985-01-01"),
        ("seen", "2026-11-22T16:00:00.123456+08:00"),
    ],
)
async def test_keys_of_every_kind_come_back_as_they_were_asked(people: People, column: str, asked: Value) -> None:
    found = await people.source.fetch_by_keys(Selection(people.binding, columns("record_no")), {}, Column(column, KINDS[column]), [asked])
    assert {value: list(rows) for value, rows in found.items()} == {asked: [(2,)]}


@pytest.mark.behaviour("键已脱敏", "masked keys")
async def test_a_masked_key_is_looked_up_and_comes_out_masked(people: People) -> None:
    masked = Column("id_number", Kind.STRING, parse_mask("ID_NUMBER_1_1"))
    found = await people.source.fetch_by_keys(Selection(people.binding, (masked,)), {}, Column("id_number", Kind.STRING), ["520102850101123"])
    assert {value: list(rows) for value, rows in found.items()} == {"520102850101123": [("5*************3",)]}


@pytest.mark.behaviour("脱敏", "masks, as the reference")
@pytest.mark.parametrize("label", ["KEEP_FIRST_3_LAST_4", "NAME", "ADDRESS_TO_DISTRICT", "DATE_TO_YEAR", "CONSTANT(it's 100% \\ 脱敏)", "NULL"])
async def test_masks_are_the_reference_s_for_every_kind(people: People, label: str) -> None:
    mask = parse_mask(label)
    assert isinstance(mask, Mask)
    outputs = tuple(Column(name, kind, mask) for name, kind in KINDS.items())
    rows = await people.source.fetch(Selection(people.binding, outputs, None, (STABLE,)), {})
    assert list(rows) == [tuple(reference.apply(mask, value) for value in row) for row in PEOPLE]


@pytest.mark.behaviour("核验比对", "verification matches")
@pytest.mark.parametrize(
    ("column", "spellings", "expected"),
    [
        ("name", ["王小明"], [True, False, False, False, None, False, False, False, False]),
        ("amount", ["2.50"], [False, False, None, False, False, False, True, True, True]),
        ("born", ["1990-05-17"], [True, False, None, False, False, False, False, False, False]),
        ("active", [True], [True, False, None, True, False, None, True, True, False]),
        ("seen", ["2026-11-22T08:00:00Z"], [True, False, None, False, False, False, True, False, False]),
        ("age", [34, 7, 34], [True, None, True, True, False, True, True, False, True]),
        ("name", ["a_b", "欧阳修", "%", "a_b%c\\d'e\"f"], [False, True, False, False, None, False, True, False, False]),
    ],
)
async def test_match(people: People, column: str, spellings: list[Value], expected: list[bool | None]) -> None:
    rows = await people.source.fetch(Selection(people.binding, (Match(column, KINDS[column], "v"),), None, (STABLE,)), {"v": spellings})
    assert [row[0] for row in rows] == expected
    assert {type(row[0]) for row in rows} <= {bool, type(None)}


@pytest.mark.behaviour("描述列", "description of columns")
async def test_description(people: People) -> None:
    described = await people.source.describe(people.binding)
    assert [column.name for column in described] == list(NAMES)
    assert all(column.nullable for column in described[1:])


@pytest.mark.behaviour("健康检查", "health check")
async def test_check(people: People) -> None:
    assert (await people.source.check()).ok


@pytest.mark.behaviour("不存在的对象", "objects that do not exist")
async def test_what_does_not_exist_is_refused(people: People) -> None:
    with pytest.raises(SourceRefused, match=r"does not exist|status 404"):
        await people.source.fetch(Selection(people.missing, columns("name")), {})
    with pytest.raises(SourceRefused, match=r"does not exist|status 404"):
        await people.source.describe(people.missing)


@pytest.mark.fast
async def test_columns_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    write_sqlite(tmp_path / "people.db")
    await refuses_columns(SqlConnector().open(SourceConfig("a.b", "sql", f"sqlite:///{tmp_path}/people.db")), Binding("person"))


@pytest.mark.slow
async def test_columns_that_do_not_exist_are_refused_by_postgres(postgres: Postgres) -> None:
    await write_postgres(postgres.url(), "columns")
    await refuses_columns(SqlConnector().open(SourceConfig("a.b", "sql", postgres.url())), Binding("columns.person"))


async def refuses_columns(source: Source, binding: Binding) -> None:
    for name in ("nothing", "Nothing", "order", 'q"uote'):
        with pytest.raises(SourceRefused, match="does not exist"):
            await source.fetch(Selection(binding, (Column(name, Kind.STRING),)), {})
    assert await source.count(Selection(binding, ()), {}) == len(PEOPLE)
    await source.close()
