"""What the masking tests share: the golden vectors, the values that properties draw from, and how SQL is asked."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Dialect, MetaData, Table, Text, column, select
from sqlalchemy.schema import Column

from connectors.selection import Kind
from connectors.sql.dialect import SqlDialect
from masking.rules import Mask, parse_mask
from masking.sql import masked

LABELS = (
    "KEEP_FIRST_3_LAST_4",
    "KEEP_FIRST_1_LAST_1",
    "KEEP_FIRST_0_LAST_0",
    "KEEP_FIRST_0_LAST_3",
    "KEEP_FIRST_2_LAST_0",
    "KEEP_FIRST_1_LAST_2_FIXED",
    "KEEP_FROM_0_TO_2",
    "KEEP_FROM_2_TO_5",
    "KEEP_FROM_1_TO_3_FIXED",
    "MASK_FIRST_2_LAST_1",
    "MASK_FIRST_0_LAST_3",
    "MASK_FIRST_1_LAST_2_FIXED",
    "MASK_FROM_0_TO_70",
    "MASK_FROM_1_TO_3",
    "MASK_FROM_2_TO_4_FIXED",
    "MASK_BEFORE_SPECIAL_CHARS(号)",
    "MASK_BEFORE_SPECIAL_CHARS_FIXED(1)",
    "MASK_AFTER_SPECIAL_CHARS(贵阳)",
    "MASK_AFTER_SPECIAL_CHARS_FIXED(-)",
    "ID_NUMBER_1_1",
    "NAME",
    "PHONE",
    "PHONE_FIXED",
    "ADDRESS_TO_DISTRICT",
    "BANK_CARD_0_4",
    "EMAIL",
    "DATE_TO_YEAR",
    "DATE_TO_BAND(10)",
    "DATE_TO_BAND(7)",
    "NUMBER_TO_INTERVAL(10)",
    "NUMBER_ROUND(7)",
    "CONSTANT(已脱敏)",
    "NULL",
)
"""One of every algorithm at least; pseudonyms, which need a key, have their own tests."""

VALUES = Table("value", MetaData(), Column("position", Text), Column("content", Text))


def mask_of(label: str) -> Mask:
    """The mask that a label names; never DENY here."""
    mask = parse_mask(label)
    assert mask is not None
    return mask


def masks() -> dict[str, Mask]:
    """Every label's mask, and the same with a small share and a whole one, by a name for each."""
    by_label = {label: mask_of(label) for label in LABELS}
    return by_label | {f"{label} {share}%": replace(mask, share=share) for label, mask in by_label.items() if _of_texts(label) for share in (34, 100)}


def _of_texts(label: str) -> bool:
    return not label.startswith(("DATE", "NUMBER", "CONSTANT", "NULL"))


def _vectors() -> list[tuple[str, Any, Any]]:
    vectors = tomllib.loads(Path(__file__).with_name("golden.toml").read_text())
    withheld = vectors.pop("withheld")
    shown = [(label, value, expected) for label, pairs in vectors.items() for value, expected in pairs]
    return shown + [(label, value, None) for label, values in withheld.items() for value in values]


def golden() -> list[tuple[str, str | None, str | None]]:
    """(label, value, masked) of the golden file's texts; null stays null under every label."""
    return [vector for vector in _vectors() if isinstance(vector[1], str)] + [(label, None, None) for label in LABELS]


def golden_numbers() -> list[tuple[str, int | float, int | float | None]]:
    """(label, value, masked) of the golden file's numbers."""
    return [vector for vector in _vectors() if not isinstance(vector[1], str)]


@cache
def statement(mask: Mask, dialect: Dialect) -> tuple[str, list[object]]:
    """A statement that masks ``value.content``, in order of position, and its bound values."""
    return _compiled(masked(mask, VALUES.c.content, dialect.name), dialect)


@cache
def number_statement(mask: Mask, dialect: SqlDialect, kind: Kind) -> tuple[str, list[object]]:
    """The same where the content is a number, as connectors ask for it."""
    return _compiled(masked(mask, dialect.text(VALUES.c.content, kind), dialect.name), dialect.core)


def _compiled(expression: Any, dialect: Dialect) -> tuple[str, list[object]]:
    asked = select(expression).select_from(VALUES).order_by(column("position"))
    compiled = asked.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return str(compiled), [compiled.params[name] for name in compiled.positiontup or ()]


# fmt: off
_ADDRESS_WORDS = [
    "贵州省", "内蒙古自治区", "特别行政区", "喀什地区", "贵阳市", "清镇市", "超市", "市场", "南明区", "修文县", "自治旗", "鄂温克旗", "小区", "园区", "开发区",
    "新区",    "路北区", "道里区", "R区", "3区", "一区", "东区", "大道", "花园", "中山路", "大街", "号", "村", "苑", "区", "县", "旗",
    "市", "自治区", "𠮷", "a", "1", "_", "某某某某某",
]
# fmt: on


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
addresses = st.lists(st.sampled_from(_ADDRESS_WORDS), max_size=8).map("".join)
dates = st.one_of(
    st.dates().map(str),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True),
    st.builds("{:04}-{:02}-{:02}".format, st.integers(0, 2400), st.integers(0, 13), st.integers(0, 32)),
)
moments = st.builds("{}{}".format, dates, st.sampled_from(["T08:00:00+00:00", "T08:00:00.123456+00:00", "T08:00:00+08:00", "T08:00:00", " 08:00:00+00:00"]))
decimals = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.from_regex(r"-?[0-9]{0,19}\.?[0-9]{0,4}", fullmatch=True),
    st.text("-.0459 eE+", max_size=8),
)
names = st.builds(lambda surname, given: surname + given, st.sampled_from(["欧阳", "司马", "王", "欧", "阳", "令狐"]), st.text("阳狐修·𠮷", max_size=3))
contacts = st.one_of(st.text("ab@.中", max_size=12), st.from_regex(r"0?[0-9]{0,4}-?[0-9]{0,8}", fullmatch=True))
_blanks = st.sampled_from(["", " ", "  ", "      ", "\u3000", "\t"])
padded = st.builds("{}{}{}".format, _blanks, st.one_of(names, contacts, addresses), _blanks)
"""As a source pads them, and as a form's fields come."""
values = st.one_of(st.none(), texts, addresses, dates, moments, decimals, names, contacts, padded)

_NEAR = st.integers(-100, 100)
_BORDER = st.builds(lambda border, near: border + near, st.sampled_from([10**18, -(10**18), 2**63 - 101, -(2**63) + 100]), _NEAR)
integers = st.one_of(_NEAR, st.integers(-(2**63), 2**63 - 1), _BORDER)
floats = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False), _NEAR.map(lambda each: each / 4), st.floats(-1e19, 1e19), _BORDER.map(float)
)
many_values = st.lists(values, min_size=80, max_size=160)
"""For servers, where a statement costs more than a value."""
many_numbers = st.fixed_dictionaries(
    {
        Kind.BIGINT: st.lists(integers, min_size=40, max_size=80),
        Kind.FLOAT: st.lists(floats, min_size=40, max_size=80),
        Kind.DECIMAL: st.lists(st.decimals(-(10**20), 10**20, places=3).map("{:f}".format), min_size=40, max_size=80),
    }
)
NUMBER_LABELS = ("NUMBER_TO_INTERVAL(10)", "NUMBER_TO_INTERVAL(7)", "NUMBER_ROUND(10)", "NUMBER_ROUND(7)", "NUMBER_ROUND(1000000000000)", "NULL")
