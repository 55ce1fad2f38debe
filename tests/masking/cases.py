"""What the masking tests share: the golden vectors, the values that properties draw from, and how SQL is asked."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hypothesis import strategies as st
from sqlalchemy import Dialect, MetaData, Table, Text, column, select
from sqlalchemy.schema import Column

from masking.rules import Mask, parse_mask
from masking.sql import masked

LABELS = (
    "KEEP_FIRST_3_LAST_4",
    "KEEP_FIRST_1_LAST_1",
    "KEEP_FIRST_0_LAST_0",
    "KEEP_FIRST_0_LAST_3",
    "KEEP_FIRST_2_LAST_0",
    "ID_NUMBER_1_1",
    "NAME",
    "ADDRESS_TO_DISTRICT",
    "DATE_TO_YEAR",
    "CONSTANT(已脱敏)",
    "NULL",
)

VALUES = Table("value", MetaData(), Column("position", Text), Column("content", Text))


def mask_of(label: str) -> Mask:
    """The mask that a label names; never DENY here."""
    mask = parse_mask(label)
    assert mask is not None
    return mask


def golden() -> list[tuple[str, str | None, str | None]]:
    """(label, value, masked) of the golden file; null stays null under every label."""
    vectors = tomllib.loads(Path(__file__).with_name("golden.toml").read_text())
    withheld = vectors.pop("withheld")
    shown = [(label, value, expected) for label, pairs in vectors.items() for value, expected in pairs]
    hidden = [(label, value, None) for label, values in withheld.items() for value in values]
    return shown + hidden + [(label, None, None) for label in LABELS]


def statement(mask: Mask, dialect: Dialect) -> tuple[str, list[object]]:
    """A statement that masks ``value.content``, in order of position, and its bound values."""
    asked = select(masked(mask, VALUES.c.content, dialect.name)).select_from(VALUES).order_by(column("position"))
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
names = st.builds(lambda surname, given: surname + given, st.sampled_from(["欧阳", "司马", "王", "欧", "阳", "令狐"]), st.text("阳狐修·𠮷", max_size=3))
values = st.one_of(st.none(), texts, addresses, dates, names)
