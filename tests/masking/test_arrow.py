"""Columns that Arrow masks are what the reference makes of each of their values."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masking import reference
from masking.arrow import compile_arrow, mask_texts
from masking.columns import compile_column
from masking.pseudonym import KEYS, MasterKey, bound
from masking.rules import Mask
from tests.masking.cases import LABELS, golden, mask_of, values

_small = st.integers(0, 20)
_spans = st.tuples(_small, _small).map(lambda pair: (min(pair), max(pair)))
_chars = st.sampled_from(["@", "-", "·", "ab", "\\", ".*", "𠮷", "\n", "区"])
_PARAMETERS: dict[str, st.SearchStrategy[tuple[int | str, ...]]] = {
    "KEEP_FIRST_N_LAST_M": st.tuples(_small, _small),
    "MASK_FIRST_N_LAST_M": st.tuples(_small, _small),
    "KEEP_FROM_X_TO_Y": _spans,
    "MASK_FROM_X_TO_Y": _spans,
    "MASK_BEFORE_SPECIAL_CHARS": st.tuples(_chars),
    "MASK_AFTER_SPECIAL_CHARS": st.tuples(_chars),
    "NAME": st.just(()),
    "PHONE": st.just(()),
    "EMAIL": st.just(()),
    "ADDRESS_TO_DISTRICT": st.just(()),
    "DATE_TO_YEAR": st.just(()),
    "DATE_TO_BAND": st.tuples(st.integers(1, 3000)),
    "CONSTANT": st.tuples(st.text("已*", max_size=3)),
    "NULL": st.just(()),
    "NUMBER_TO_INTERVAL": st.tuples(st.integers(1, 10**12)),
    "NUMBER_ROUND": st.tuples(st.integers(1, 10**12)),
}
TEXT_RULES = [name for name in _PARAMETERS if not name.startswith("NUMBER")]
NUMBER_RULES = [name for name in _PARAMETERS if name.startswith("NUMBER")]

_phones = st.builds(lambda head, tail: head + tail, st.sampled_from(["0", "01", "02", "0851", "138", "+86", ""]), st.text("0123456789-", max_size=12))
_letters = st.lists(st.sampled_from(["a", "@", "@@", "-", "·", "\\", ".*", "𠮷", "\n", "ab", "区", "qq.com"]), max_size=7).map("".join)
_moments = st.builds(
    lambda day, rest, end: f"{day}{rest}{end}", st.one_of(st.dates().map(str), st.just("2023-02-29")), st.sampled_from(["T08:00:00", "T08:00:00.123456", "T", " 08:00:00", "T\n\n\n\n\n\n\n\n"]),
    st.sampled_from(["+00:00", "Z", "+08:00", ""]),
)  # fmt: skip
texts = st.one_of(values, _phones, _letters, _moments)
_decimals = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=3).map("{:f}".format),
    st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{0,4})?", fullmatch=True),
    st.sampled_from(["-0", "-0.0", "0.5", "-0.5", "1e3", "", "-", "٣", "9" * 18, "9" * 19, "1." + "0" * 100, "1." + "0" * 101]),
)
_integers = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-5000, 5000), st.sampled_from([10**18, 10**18 - 1, -(10**18), 1 - 10**18]))
_floats = st.one_of(st.floats(), st.integers(-5000, 5000).map(lambda whole: whole / 2), st.sampled_from([1e18, -1e18, 0.49999999999999994, 2.0**53 + 1]))


@st.composite
def masks(draw: st.DrawFn, algorithm: str) -> Mask:
    """A rule with any parameters, share and form."""
    share = draw(st.sampled_from([0, 1, 33, 50, 67, 90, 100]))
    return Mask(algorithm, draw(_PARAMETERS[algorithm]), share=share, fixed=draw(st.booleans()))


def in_arrow(mask: Mask, contents: Sequence[object], type_: pyarrow.DataType | None = None) -> list[object]:
    column = pyarrow.array(contents, type_ or pyarrow.string())
    masked = compile_arrow(mask)(column)
    assert len(masked) == len(column)
    return list(masked.to_pylist())


@pytest.mark.fast
@pytest.mark.parametrize("label", sorted({vector[0] for vector in golden()}))
def test_golden_vectors(label: str) -> None:
    pairs = [(value, expected) for other, value, expected in golden() if other == label]
    assert mask_texts(mask_of(label), [value for value, _ in pairs]) == [expected for _, expected in pairs]


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", TEXT_RULES)
@given(data=st.data(), contents=st.lists(texts, max_size=20))
@settings(deadline=None)
def test_arrow_equals_the_reference(algorithm: str, data: st.DataObject, contents: list[str | None]) -> None:
    mask = data.draw(masks(algorithm))
    expected = [reference.apply(mask, value) for value in contents]
    assert in_arrow(mask, contents) == expected
    assert in_arrow(mask, [None, *contents], pyarrow.large_string())[1:] == expected


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", NUMBER_RULES)
@given(data=st.data(), decimals=st.lists(_decimals), integers=st.lists(_integers), floats=st.lists(_floats))
@settings(deadline=None)
def test_numbers_equal_the_reference(algorithm: str, data: st.DataObject, decimals: list[str], integers: list[int], floats: list[float]) -> None:
    mask = data.draw(masks(algorithm))
    for contents, type_ in ((decimals, pyarrow.string()), (integers, pyarrow.int64()), (floats, pyarrow.float64())):
        shown = in_arrow(mask, [None, *contents], type_)[1:]
        expected = [reference.apply(mask, value) for value in contents]
        assert [(type(value), value) for value in shown] == [(type(value), value) for value in expected]


@pytest.mark.fast
@pytest.mark.parametrize("algorithm", TEXT_RULES)
def test_a_column_that_a_rule_cannot_mask_is_withheld(algorithm: str) -> None:
    mask = Mask(algorithm, {"CONSTANT": ("x",), "DATE_TO_BAND": (10,)}.get(algorithm, (1, 1) if "_N_" in algorithm or "_X_" in algorithm else ()))
    columns: list[tuple[list[object], pyarrow.DataType]] = [
        ([5, None], pyarrow.int64()),
        ([5.5], pyarrow.float64()),
        ([True], pyarrow.bool_()),
        ([b"raw"], pyarrow.binary()),
        ([None], pyarrow.null()),
    ]
    for contents, type_ in columns:
        expected = ["x" if algorithm == "CONSTANT" and value is not None else None for value in contents]
        assert in_arrow(mask, contents, type_) == expected


@pytest.mark.fast
@pytest.mark.parametrize("algorithm", NUMBER_RULES)
def test_no_number_is_withheld(algorithm: str) -> None:
    for contents, type_ in (([True], pyarrow.bool_()), ([b"5"], pyarrow.binary()), ([2**64 - 1], pyarrow.uint64())):
        assert in_arrow(Mask(algorithm, (10,)), contents, type_) == [None]


@pytest.mark.fast
@pytest.mark.parametrize("label", [label for label in LABELS if label != "CONSTANT(已脱敏)"])
def test_text_that_arrow_cannot_read_is_withheld(label: str) -> None:
    broken = pyarrow.Array.from_buffers(pyarrow.string(), 2, [None, pyarrow.py_buffer(b"\0\0\0\0\6\0\0\0\7\0\0\0"), pyarrow.py_buffer(b"raw\xff\xfe\xfdb")])
    shown = compile_arrow(mask_of(label))(broken)
    assert shown.null_count == 2 or b"raw" not in b"".join(value for value in shown.cast(pyarrow.binary()).to_pylist() if value)


@pytest.mark.fast
@pytest.mark.parametrize(
    "mask",
    [
        Mask("UNKNOWN"),
        Mask("KEEP_FIRST_N_LAST_M"),
        Mask("KEEP_FIRST_N_LAST_M", (-1, 1)),
        Mask("MASK_FROM_X_TO_Y", (3, 1)),
        Mask("MASK_AFTER_SPECIAL_CHARS", ("",)),
        Mask("NUMBER_ROUND", (0,)),
        Mask("CONSTANT"),
        Mask("NAME", (1,)),
        Mask("PSEUDONYM"),
    ],
)
def test_a_rule_that_is_wrong_withholds(mask: Mask) -> None:
    assert in_arrow(mask, ["raw", None, ""]) == [None, None, None]


@pytest.mark.fast
def test_a_lone_surrogate_withholds_its_value_alone() -> None:
    assert mask_texts(mask_of("KEEP_FIRST_1_LAST_1"), ["a\ud800c", "abc", None]) == [None, "a*c", None]


@pytest.mark.fast
def test_pseudonyms_equal_the_reference_and_are_withheld_without_their_key() -> None:
    key = MasterKey(1, "SM3", bytes(range(32)))
    mask = bound(mask_of("PSEUDONYM"), "housing", key.id, key.version)
    contents = ["11010519491231002X", None, "110105491231002", "", "a\0b", "11010519491231002X", "张三"]
    KEYS.hold("test_arrow", [key])
    try:
        shown = in_arrow(mask, contents)
        assert shown == compile_column(mask)(contents) == [reference.apply(mask, value) for value in contents]
        assert shown[0] == shown[2] == shown[5] is not None
    finally:
        KEYS.hold("test_arrow", [])
    assert in_arrow(mask, contents) == [None] * len(contents)
