"""Fields are collected and merged as the GraphQL specification says."""

from __future__ import annotations

import pytest
from graphql import OperationDefinitionNode, parse

from schema.collect import Collector, condition_variables

pytestmark = pytest.mark.fast


def collected(text: str, **flags: bool) -> dict[str, list[str]]:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    found = Collector(document, flags).fields([operation.selection_set])
    return {key: [node.name.value for node in nodes] for key, nodes in found.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ a b a }", {"a": ["a", "a"], "b": ["b"]}),
        ("{ b a x: b }", {"b": ["b"], "a": ["a"], "x": ["b"]}),
        ("{ ...F ...F a } fragment F on Q { b a }", {"b": ["b"], "a": ["a", "a"]}),
        ("{ a ... { b ... on Q { c } } }", {"a": ["a"], "b": ["b"], "c": ["c"]}),
        ("{ a @skip(if: true) b @include(if: false) c @skip(if: false) @include(if: true) }", {"c": ["c"]}),
        ("{ a @include(if: true) @skip(if: true) }", {}),
        ("{ ...F @skip(if: true) ...F } fragment F on Q { a }", {"a": ["a"]}),
        ("{ ... @include(if: false) { a } b }", {"b": ["b"]}),
    ],
)
def test_merging_and_literal_conditions(text: str, expected: dict[str, list[str]]) -> None:
    made = collected(text)
    assert made == expected
    assert list(made) == list(expected)


@pytest.mark.parametrize(("flag", "expected"), [(True, ["a"]), (False, ["b"])])
def test_variable_conditions(flag: bool, expected: list[str]) -> None:
    assert list(collected("query ($f: Boolean!) { a @include(if: $f) b @skip(if: $f) }", f=flag)) == expected


def test_condition_variables_are_found_everywhere() -> None:
    text = "query ($a: Boolean!, $b: Boolean!, $c: Int) { x(n: $c) @include(if: $a) { ...F } } fragment F on Q { y @skip(if: $b) @skip(if: true) }"
    document = parse(text)
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    assert condition_variables(document, operation) == {"a", "b"}
