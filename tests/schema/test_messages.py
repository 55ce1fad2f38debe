"""Messages of graphql-core in Chinese."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from graphql import GraphQLError, build_schema, graphql_sync, parse, validate

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


_ONE = build_schema("input One @oneOf { a: Int b: Int } type Query { a(one: One!): Int }")


@pytest.mark.parametrize("one", [{}, {"a": 1, "b": 2}, {"a": 1, "b": None}])
def test_inputs_of_one_key_are_told_in_chinese(one: dict[str, int | None]) -> None:
    errors = graphql_sync(_ONE, "query ($one: One!) { a(one: $one) }", variable_values={"one": one}).errors
    assert [in_chinese(error.message) for error in errors or ()] == ["变量 $one 的值无效：类型 One 须恰好给出一个字段，且其值不为 null"]


def test_a_variable_without_a_value_in_an_input_of_one_key_is_told_in_chinese() -> None:
    errors = graphql_sync(_ONE, "query ($a: Int) { a(one: {a: $a}) }").errors
    assert [in_chinese(error.message) for error in errors or ()] == ["参数 one 的值无效：字段 a 所用变量 $a 未给出值"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("subscription { a }", "不提供订阅；批量交换的进度见 GET /exchanges/{id}/events"),
        ("fragment F on Query { a }", "文档中没有操作，须有 query 或 mutation"),
    ],
)
def test_documents_that_nothing_can_be_run_of_are_told_in_chinese(document: str, said: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        Documents().parse(document)
    assert in_chinese(refused.value.errors[0].message) == said


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{ a @include(if: true) @include(if: true) }", "指令 @include 在同一处只能使用一次"),
        ("query @skip(if: true) { a }", "指令 @skip 不能用在 query 上"),
        ("{ a @skip(iff: true, if: true) }", "指令 @skip 没有参数 iff"),
        ("{ a @skip }", "指令 @skip 缺少必填参数 if（类型 Boolean!）"),
        ("fragment F on Query { ...F } { ...F }", "片段 F 不能引用自身"),
        ("fragment F on Query { ...G } fragment G on Query { ...F } { ...F }", "片段 F 不能引用自身"),
        ("{ ... on By { a } }", "片段不能以类型 By 为条件：它没有字段"),
        ("{ a(by: gender, by: gender) }", "参数 by 重复"),
        ('{ a(where: {name: "", name: ""}) }', "输入字段 name 重复"),
        ("query A { a } query A { a }", "操作名 A 重复"),
        ("fragment F on Query { a } fragment F on Query { a } { ...F }", "片段名 F 重复"),
        ("query ($b: By, $b: By) { a(by: $b) }", "变量 $b 重复声明"),
        ("query ($q: Query) { a(by: $q) }", "变量 $q 的类型 Query 不是输入类型"),
        ("type Z { a: Int } { a }", "文档中不能定义类型：Z"),
        ("mutation { a }", "模式中没有 mutation 操作"),
    ],
)
def test_rules_that_documents_break_are_told_in_chinese(document: str, said: str) -> None:
    assert in_chinese(validate(_SCHEMA, parse(document))[0].message) == said


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("", "语法错误：文档为空，或提前结束"),
        ("{ a", "语法错误：此处应为 Name，而文档提前结束"),
        ('{ a(b: "x) }', "语法错误：字符串没有结束引号"),
        ('{ a(b: "\\q") }', "语法错误：无效的转义 \\q"),
        ("{ a(b: 00) }", "语法错误：数字写法有误，在 '0' 处"),
        ("{ a(b: .5) }", "语法错误：数字写法有误，在 '.' 处"),
        ("query ($a: Int = $b) { a }", "语法错误：常量中不能使用变量 $b"),
        ("{ a（by: gender) }", "语法错误：意外的字符 （ （U+FF08），请改用半角 ("),
        ("{ a(by：gender) }", "语法错误：意外的字符 ： （U+FF1A），请改用半角 :"),
        ("{ a(b: “x”) }", '语法错误：意外的字符 “ （U+201C），请改用半角 "'),
        ("{ 姓名 }", "语法错误：意外的字符 姓 （U+59D3）"),
        ("{ \0 }", "语法错误：意外的字符（U+0000）"),
        ("{" + "a " * 3001 + "}", "语法错误：文档超过 3000 个词元"),
        ("{a" * 3000, "语法错误：文档嵌套过深"),
    ],
)
def test_syntax_errors_are_told_in_chinese(document: str, said: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        Documents().parse(document)
    assert refused.value.zh == f"查询文档无效：{said}"


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (parse_date, "2024-13-01", "Date 应写作如 2026-11-22 的文本，实际为 '2024-13-01'"),
        (parse_datetime, "2024-01-01", "DateTime 应写作如 2026-11-22T08:00:00+08:00 的文本，实际为 '2024-01-01'"),
        (parse_decimal, 1.5, 'Decimal 应写作如 "12.50" 的文本，实际为 1.5'),
        (parse_bigint, "x", "BigInt 应为 64 位整数或其文本，实际为 'x'"),
    ],
)
def test_values_that_no_scalar_takes_are_told_in_chinese(read: Callable[[object], object], value: object, said: str) -> None:
    with pytest.raises(GraphQLError) as refused:
        read(value)
    assert in_chinese(refused.value.message) == said
