"""Canonical forms, version 1: frozen examples, and what must hold of every value."""

from __future__ import annotations

import hashlib
import tomllib
import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masking import canonical, spellings
from masking.canonical import canonical_code, canonical_identifier, canonical_mobile, canonical_name, canonical_text, is_name, shortened_resident_id, unseen
from masking.han import simplifications, traditional_forms
from masking.spellings import MOST, of_name, of_resident_id
from tests.schema.worst import Calls

pytestmark = pytest.mark.fast

GOLDEN: dict[str, Any] = tomllib.loads(Path(__file__).with_name("canonical.toml").read_text())
FORMS: dict[str, Callable[[str], str]] = {
    "identifier": canonical_identifier,
    "code": canonical_code,
    "mobile": canonical_mobile,
    "name": canonical_name,
    "text": canonical_text,
}
SPELLED: dict[str, Callable[[str], tuple[str, ...]]] = {name.removeprefix("of_"): getattr(spellings, name) for name in dir(spellings) if name.startswith("of_")}
COMMON = "张王李赵刘陈杨黄周吴徐孙马朱胡郭何林罗高梁宋郑谢韩唐冯于余范钟叶沈云里后台发复汇伟芳娜敏静秀丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华文玉建国志红"
HAN = st.text(st.sampled_from(COMMON), min_size=1, max_size=5)
NAMES = st.one_of(HAN, st.tuples(HAN, HAN).map("·".join), st.from_regex(r"[A-Z][a-z]{1,8} [A-Z][a-z]{1,8}", fullmatch=True))


def test_version_1_is_what_it_was_published_as() -> None:
    """Where this fails, a value's form has changed: that is another version, with a file of its own."""
    assert GOLDEN["version"] == canonical.VERSION
    assert f"Version 版本: **{canonical.VERSION}**" in Path("docs/verification.md").read_text()
    pairs = "\n".join(f"{chr(point)}{plain}" for point, plain in sorted(simplifications().items()))
    forms = "\n".join(f"{plain}{''.join(each)}" for plain, each in sorted(traditional_forms().items()))
    for name, text in (("simplifications", pairs), ("traditional", forms)):
        assert GOLDEN[name] == {"count": text.count("\n") + 1, "sha256": hashlib.sha256(text.encode()).hexdigest()}


@pytest.mark.parametrize("kind", FORMS)
def test_frozen_forms(kind: str) -> None:
    assert {text: FORMS[kind](text) for text in GOLDEN[kind]} == GOLDEN[kind]


@pytest.mark.parametrize("kind", SPELLED)
def test_frozen_spellings(kind: str) -> None:
    assert {text: list(SPELLED[kind](text)) for text in GOLDEN["spellings"][kind]} == GOLDEN["spellings"][kind]


@pytest.mark.parametrize("kind", FORMS)
@given(text=st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_canonical_form_is_its_own(kind: str, text: str) -> None:
    once = FORMS[kind](text)
    assert FORMS[kind](once) == once


@given(NAMES)
@settings(max_examples=60, deadline=None)
def test_spellings_of_a_name_are_that_name(name: str) -> None:
    made = of_name(canonical_name(name))
    assert made[0] == canonical_name(name)
    assert len(made) == MOST
    assert {canonical_name(each) for each in made} == {canonical_name(name)}
    assert all(is_name(canonical_name(each)) for each in made)


@pytest.mark.parametrize(
    ("kind", "form", "value"),
    [
        ("resident_id", canonical_identifier, "11010519491231002X"),
        ("code", canonical_code, "91110000600037341L"),
        ("mobile", canonical_mobile, "13800138000"),
        ("text", canonical_text, "贵阳(云岩) A-1号, 2"),
    ],
)
def test_spellings_of_other_values_are_those_values(kind: str, form: Callable[[str], str], value: str) -> None:
    assert {form(each) for each in SPELLED[kind](value)} == {value}


@pytest.mark.parametrize("kind", SPELLED)
def test_every_value_of_a_kind_has_as_many_spellings(kind: str) -> None:
    """Else the length of what a source is asked would tell the value (CWE-203)."""
    values = [*GOLDEN["spellings"][kind], "张三", "钟发里", "1", "阿" * 128]
    assert len({len(SPELLED[kind](value)) for value in values}) == 1


@given(st.dates(min_value=date(1800, 1, 1), max_value=date(2030, 1, 1)), st.integers(0, 999), st.integers(100000, 999999))
@settings(max_examples=100, deadline=None)
def test_short_and_long_resident_ids_lead_to_each_other(born: Any, sequence: int, region: int) -> None:
    short = f"{region}{born:%y%m%d}{sequence:03}"
    number = canonical.widened_resident_id(short)
    if number is not None:
        assert shortened_resident_id(number) == short
        assert {canonical_identifier(each) for each in of_resident_id(number)} == {number}


@pytest.mark.parametrize("text", ["张\u200b三", "\u202e三张", "张\ufeff三", "a\x00", "a\x1b", "a\x85", "张\u3164", "张\u00ad三", "\ud800"])
def test_what_nobody_sees_is_told(text: str) -> None:
    assert unseen(text)
    assert not unseen(canonical_name("张三·Smith"))
    assert not unseen("第一行\n第二行\t。")


@pytest.mark.parametrize(
    "text", ["", " ", "张*", "**", "张%", "_三", "p1_Zm9vYmFy", "张\u0301三", "张\ufe00三", "\u0301", "123", "·", "张<三>", "x" * 129, "张😀"]
)
def test_what_is_no_name(text: str) -> None:
    assert not is_name(canonical_name(text))


@pytest.mark.parametrize("text", ["张三", "𠮷田", "\ue863国", "〇", "赵C", "O’Neil", "Anne-Marie", "J. R. Smith", "مُحَمَّد", "बुद्ध", "张\U00031350", "Zoë"])
def test_names(text: str) -> None:
    assert is_name(canonical_name(text))


def test_a_long_blank_is_read_once() -> None:
    """Work is bounded by the length: no pattern runs over blanks again and again (CWE-1333)."""
    assert canonical_name("a" + " " * 4000 + "b") == "a b"
    assert canonical_name("张" + " " * 4000 + "三") == "张三"


def test_unseen_are_all_characters_of_format() -> None:
    """One search instead of one look at each character: a text of 4,096 in each of 100 requests must cost nothing."""
    known = "".join(chr(point) for point in range(0x110000) if unicodedata.category(chr(point)) != "Cn")
    kept = {each for each in known if not unseen(each)}
    assert not {unicodedata.category(each) for each in kept} & {"Cf", "Cs"}
    assert {unicodedata.category(each) for each in set(known) - kept} <= {"Cf", "Cs", "Cc", "Mn", "Lo", "So"}
    assert len(set(known) - kept) < 2600


def test_spellings_of_a_long_name_cost_little() -> None:
    """At most a few calls for each character, whatever forms it has."""
    of_name("张发")
    with Calls() as counted:
        assert len(of_name("张发后里面" * 25)) == MOST
    assert counted.count < 2_500
