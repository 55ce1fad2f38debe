"""Messages of graphql-core in Chinese."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from graphql import GraphQLError, build_schema, graphql_sync

from schema.documents import Documents, InvalidDocument
from schema.messages import in_chinese
from schema.scalars import parse_bigint, parse_date, parse_datetime, parse_decimal

pytestmark = pytest.mark.fast
_SCHEMA = build_schema("enum By { gender } input Where { name: String by: By } type Query { a(by: By, where: Where): String }")


@pytest.mark.parametrize(
    ("document", "where", "said"),
    [
        ("{ a(by: phone) }", None, "枚举 By 没有值 phone"),
        ('{ a(by: "gender") }', None, '此处需要枚举 By 的值，实际为 "gender"'),
        ('{ a(where: {phone: "138"}) }', None, "输入类型 Where 没有字段 phone"),
        ("query ($w: Where) { a(where: $w) }", {"phone": "138"}, "变量 $w 的值无效：输入类型 Where 没有字段 phone"),
        ("query ($w: Where) { a(where: $w) }", {"by": "phone"}, "变量 $w.by 的值无效：枚举 By 没有值 phone"),
    ],
)
def test_wrong_names_and_values_are_told_in_chinese(document: str, where: dict[str, str] | None, said: str) -> None:
    errors = graphql_sync(_SCHEMA, document, variable_values={"w": where}).errors
    assert [in_chinese(error.message) for error in errors or ()] == [said]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "变量 $w 的值无效：须给出类型 Which! 的值"),
        ({"w": None}, "变量 $w 的值无效：类型 Which! 的值不能为 null"),
        ({"w": 1}, "变量 $w 的值无效：此处需要类型 Which 的对象，实际为 1"),
        ({"w": {}}, "变量 $w 的值无效：缺少必填字段 name（类型 Which）"),
    ],
)
def test_variables_that_lack_something_are_told_in_chinese(variables: dict[str, object], said: str) -> None:
    schema = build_schema("input Which { name: String! } type Query { a(which: Which!): String }")
    errors = graphql_sync(schema, "query ($w: Which!) { a(which: $w) }", variable_values=variables).errors
    assert [in_chinese(error.message) for error in errors or ()] == [said]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("subscription { a }", "不提供订阅；批量交换的进度见 GET /exchanges/{id}/events"),
        ("fragment F on Query { a }", "文档中没有操作，只有片段"),
    ],
)
def test_documents_that_nothing_can_be_run_of_are_told_in_chinese(document: str, said: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        Documents().parse(document)
    assert in_chinese(refused.value.errors[0].message) == said


@pytest.mark.parametrize(
    ("parse", "value", "said"),
    [
        (parse_date, "2024-13-01", "Date 应写作如 2026-11-22 的文本，实际为 '2024-13-01'"),
        (parse_datetime, "2024-01-01", "DateTime 应写作如 2026-11-22T08:00:00+08:00 的文本，实际为 '2024-01-01'"),
        (parse_decimal, 1.5, 'Decimal 应写作如 "12.50" 的文本，实际为 1.5'),
        (parse_bigint, "x", "BigInt 应为 64 位整数或其文本，实际为 'x'"),
    ],
)
def test_values_that_no_scalar_takes_are_told_in_chinese(parse: Callable[[object], object], value: object, said: str) -> None:
    with pytest.raises(GraphQLError) as refused:
        parse(value)
    assert in_chinese(refused.value.message) == said
