"""Catalog codes ↔ GraphQL names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.naming import CODE, camel, described, pascal, type_name

pytestmark = pytest.mark.fast
CODES = st.from_regex(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*", fullmatch=True).filter(lambda code: len(code) <= 60)


@pytest.mark.parametrize(
    ("code", "name"), [("civil_affairs", "civilAffairs"), ("person", "person"), ("a1", "a1"), ("birth_date_2", "birthDate2"), ("x_y_z", "xYZ")]
)
def test_names_of_the_contract(code: str, name: str) -> None:
    assert camel(code) == name
    assert pascal(code) == name[0].upper() + name[1:]


def test_type_names() -> None:
    assert type_name("civil_affairs.person") == "CivilAffairsPerson"
    assert type_name("civil.affairs_person") == "CivilAffairsPerson", "two codes may have one type name: import must refuse the second"


@given(CODES)
def test_round_trip(code: str) -> None:
    name = camel(code)
    assert re.fullmatch(r"[a-z][A-Za-z0-9]*", name)
    assert re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), name) == code


@pytest.mark.parametrize("code", ["A", "1a", "_a", "a_", "a__b", "a-b", "a.b", "", "ä", "a\n", "a b"])
def test_no_code(code: str) -> None:
    assert not CODE.match(code)


def test_descriptions() -> None:
    assert described("中文", "English") == "中文\n\nEnglish"
    assert described("", "English") == "English"
    assert described("", "") is None
