"""Messages of graphql-core in Chinese."""

from __future__ import annotations

import pytest
from graphql import build_schema, graphql_sync

from schema.messages import in_chinese

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
