"""What no masked value may do, whatever the value: show more than the rule's share, be the value, fail, or change when it is masked again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from masking import reference, words
from masking.columns import compile_column
from masking.generated import compile_mask
from masking.rules import Mask
from tests.masking.cases import LABELS, addresses, contacts, decimals, mask_of, moments, names, padded, values

pytestmark = pytest.mark.fast

TEXT_LABELS = [label for label in LABELS if not label.startswith(("DATE", "NUMBER", "CONSTANT", "NULL"))]
_any_text = st.one_of(st.text(st.characters(), max_size=80), st.text("ab１2·@-市区路 \0\ud800\udfff\u0301𠮷👍🏽", max_size=40))
_texts = st.one_of(_any_text, addresses, names, contacts, padded, values.map(lambda value: value or ""))
_rules = st.builds(
    lambda label, share, fixed: replace(mask_of(label), share=share, fixed=fixed), st.sampled_from(TEXT_LABELS), st.integers(1, 100), st.booleans()
)
_ends = st.builds(
    lambda name, first, last: Mask(name, (first, last)), st.sampled_from(["KEEP_FIRST_N_LAST_M", "MASK_FIRST_N_LAST_M"]), *[st.integers(0, 99)] * 2
)
_spans = st.builds(
    lambda name, one, other: Mask(name, (min(one, other), max(one, other))),
    st.sampled_from(["KEEP_FROM_X_TO_Y", "MASK_FROM_X_TO_Y"]),
    *[st.integers(0, 99)] * 2,
)


def is_within(shown: str, text: str) -> bool:
    """Whether the characters come one after another in the text."""
    rest = iter(text)
    return all(character in rest for character in shown)


@given(value=_texts.map(lambda text: text.replace("*", "x")), mask=st.one_of(_rules, _ends, _spans))
@example(value="123456      ", mask=Mask("KEEP_FIRST_N_LAST_M", (6, 4)))
@example(value="张  ", mask=Mask("NAME"))
def test_no_more_characters_are_shown_than_the_share(value: str, mask: Mask) -> None:
    text = value.strip(" ")
    for masked in (reference.apply(mask, value), compile_mask(mask)(value)):
        assert masked is None or isinstance(masked, str)
        if masked is not None:
            shown = masked.replace("*", "")
            assert len(shown) * 100 <= len(text) * mask.share
            assert is_within(shown, value)
            assert text == "" or text not in masked
            assert value == "" or masked != value


@given(value=st.one_of(_any_text, decimals, moments, st.none(), st.integers(), st.floats(), st.booleans(), st.binary(), st.builds(object)))
def test_nothing_is_raised_and_null_stays_null(value: object) -> None:
    for label in LABELS:
        mask = mask_of(label)
        masked = compile_mask(mask)(value)
        assert masked == reference.apply(mask, value)  # type: ignore[arg-type]
        assert value is not None or masked is None
        if isinstance(masked, str):
            assert masked.encode().decode() == masked


@given(value=st.one_of(st.text(max_size=30), addresses, moments, decimals, st.integers(-(10**18), 10**18)), label=st.sampled_from(LABELS))
def test_what_is_masked_stays_when_it_is_masked_again(value: str | int, label: str) -> None:
    mask = mask_of(label)
    masked = reference.apply(mask, value)
    # Stars alone of a fixed count, and the names' two, are a text like another, and so are masked once more.
    if "FIXED" not in label and not (isinstance(masked, str) and label in ("NAME", "EMAIL")) and masked is not None:
        assert reference.apply(mask, masked) == masked


@given(name=names.filter(lambda name: len(name) > 1))
def test_a_masked_name_stays(name: str) -> None:
    masked = reference.apply(mask_of("NAME"), name)
    assert reference.apply(mask_of("NAME"), masked) == masked


@given(value=values)
def test_name_shows_at_most_a_surname(value: str | None) -> None:
    shown = reference.apply(mask_of("NAME"), value)
    if value and isinstance(shown, str):
        surname = shown.removesuffix("**")
        assert value.startswith(surname)
        assert len(surname) <= 1 or surname in words.COMPOUND_SURNAMES
        assert len(surname) < len(value)


@given(value=addresses)
def test_address_shows_a_division_and_nothing_behind_it(value: str) -> None:
    shown = reference.apply(mask_of("ADDRESS_TO_DISTRICT"), value)
    assert isinstance(shown, str)
    kept = shown.removesuffix("****")
    assert len(kept) <= words.ADDRESS_HEAD
    assert value.startswith(kept)
    assert not kept or kept[-1] in "区县旗市"
    assert not any(word in kept for word in ("小区", "园区", "开发区", "大街", "中山路", "花园", "号", "村"))


@given(value=_texts, label=st.sampled_from([label for label in TEXT_LABELS if label.endswith("_FIXED") or "_FIXED(" in label]))
def test_a_fixed_form_has_runs_of_one_length(value: str, label: str) -> None:
    masked = reference.apply(mask_of(label), value.replace("*", "x"))
    assert masked is None or {len(run) for run in "".join(c if c == "*" else " " for c in str(masked)).split()} == {words.FIXED_STARS}


@given(value=st.integers(-(10**18) + 1, 10**18 - 1), step=st.integers(2, 10**12))
def test_a_number_tells_its_interval_alone(value: int, step: int) -> None:
    lower, nearest = (reference.apply(Mask(rule, (step,)), value) for rule in ("NUMBER_TO_INTERVAL", "NUMBER_ROUND"))
    assert isinstance(lower, int)
    assert isinstance(nearest, int)
    assert lower % step == nearest % step == 0
    assert lower <= value < lower + step
    assert abs(nearest - value) * 2 <= step


@pytest.mark.parametrize("label", TEXT_LABELS)
def test_no_share_shows_a_whole_text(label: str) -> None:
    mask = replace(mask_of(label), share=100)
    some = ["x" * length for length in range(1, 90)] + ["1贵阳", "贵阳", "号1", "-", "0851-", "王伟", "欧阳修", "贵阳市", "贵阳市南明区", "a@b", "@b"]
    for shown in ([reference.apply(mask, text) for text in some], list(map(compile_mask(mask), some)), compile_column(mask)(some)):
        assert [text for text, masked in zip(some, shown, strict=True) if text in str(masked)] == []
