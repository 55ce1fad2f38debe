"""Keyed pseudonyms: equal for one consumer and value, different for all else, and nothing of the value in them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from masking import generated, reference
from masking.canonical import canonical_identifier
from masking.complementary import together_show_more
from masking.pseudonym import DIGESTS, KEYS, MasterKey, bound
from masking.reference import Value
from masking.rules import Mask, parse_mask

pytestmark = pytest.mark.fast
KEY = {(version, digest): MasterKey(version, digest, bytes([version]) * 32) for version in (1, 2) for digest in DIGESTS}
KEYS.hold("tests/masking", KEY.values())
PLAIN = Mask("PSEUDONYM", ("",))
PROJECT = Mask("PSEUDONYM", ("housing-2026",))
NUMBER = "11010519491231002X"
SHAPE = re.compile(r"p[12]_[a-z2-7]{26}")
audiences = st.tuples(st.sampled_from(["alpha", "beta", "alpha\0beta", "project"]), st.sampled_from(sorted(KEY)))
values = st.one_of(st.text(min_size=1), st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True), st.from_regex(r"[\u4e00-\u9fff]{1,4}", fullmatch=True))


def mask_for(consumer: str = "alpha", key: tuple[int, str] = (1, "SM3"), mask: Mask = PLAIN) -> Mask:
    return bound(mask, consumer, KEY[key].id, KEY[key].version)


def pseudonym(value: Value, mask: Mask) -> object:
    """By both implementations."""
    made = generated.compile_mask(mask)(value)
    assert made == reference.apply(mask, value)
    return made


@given(values, audiences, st.sampled_from([PLAIN, PROJECT]))
def test_both_implementations_agree_and_show_nothing_of_the_value(value: str, audience: tuple[str, tuple[int, str]], mask: Mask) -> None:
    made = pseudonym(value, mask_for(*audience, mask))
    assert made is None or (isinstance(made, str) and SHAPE.fullmatch(made) and (len(value) < 6 or value.lower() not in made))


@given(values, values, audiences, audiences)
def test_equal_only_for_one_value_consumer_and_version(value: str, other: str, one: tuple[str, tuple[int, str]], two: tuple[str, tuple[int, str]]) -> None:
    first, same, second = pseudonym(value, mask_for(*one)), pseudonym(value, mask_for(*one)), pseudonym(value, mask_for(*two))
    assume(first is not None)
    assert first == same
    assert (first == second) is (one == two)
    assert pseudonym(value, mask_for(*one, PROJECT)) != first
    if canonical_identifier(other) != canonical_identifier(value):
        assert pseudonym(other, mask_for(*one)) != first


@given(values, st.sampled_from(sorted(KEY)))
def test_a_project_joins_its_consumers_and_nobody_else(value: str, key: tuple[int, str]) -> None:
    there = [pseudonym(value, mask_for(consumer, key, PROJECT)) for consumer in ("alpha", "beta")]
    assume(there[0] is not None)
    assert there[0] == there[1]
    assert pseudonym(value, mask_for("alpha", key, Mask("PSEUDONYM", ("other",)))) != there[0]
    assert pseudonym(value, mask_for("housing-2026", key)) != there[0], "a consumer of the project's name is not the project"


@pytest.mark.parametrize(
    "spelling", ["11010519491231002x", " 11010519491231002X ", "１１０１０５１９４９１２３１００２Ｘ", "110105491231002", "1101 0519 4912 3100 2x"]
)
def test_spellings_of_one_number_are_one_pseudonym(spelling: str) -> None:
    assert pseudonym(spelling, mask_for()) == pseudonym(NUMBER, mask_for())


def test_what_does_not_change() -> None:
    """The consumers keep these values: a change of the derivation needs a new version of the key."""
    assert pseudonym(NUMBER, mask_for()) == "p1_2idtv2jgkfjchdh4lsrw2b53m7"
    assert pseudonym(NUMBER, mask_for(key=(2, "SHA256"))) == "p2_gwr76vldizz7uhmoit74763chp"
    assert pseudonym(NUMBER, mask_for(mask=PROJECT)) == "p1_6z6rgqnpzq2edhat3e6uswxhed"


@pytest.mark.parametrize("value", ["", "   ", "\u3000", "a\0b", "\ud800", 5, True, 1.5, None])
def test_what_cannot_be_made_is_withheld(value: Value) -> None:
    assert pseudonym(value, mask_for()) is None


@pytest.mark.parametrize(
    "mask",
    [PLAIN, PROJECT, Mask("PSEUDONYM"), mask_for(""), replace(mask_for(), parameters=("", "alpha", "1-0000000000000000")), bound(PROJECT, "public", "1-0", 1)],
)
def test_without_consumer_or_key_all_is_withheld(mask: Mask) -> None:
    assert pseudonym(NUMBER, mask) is None


def test_a_key_that_comes_later_is_found_by_what_was_compiled_before() -> None:
    late = MasterKey(7, "SM3", b"7" * 32)
    compiled = generated.compile_mask(bound(PLAIN, "alpha", late.id, 7))
    assert compiled(NUMBER) is None
    KEYS.hold("late", [late])
    made = compiled(NUMBER)
    assert isinstance(made, str)
    assert made.startswith("p7_")
    KEYS.hold("late", [])


def test_no_secret_in_what_is_printed() -> None:
    key = MasterKey(1, "SM3", b"a secret of thirty-two bytes ...")
    assert "secret" not in repr(key)
    assert key.id != MasterKey(1, "SM3", b"b secret of thirty-two bytes ...").id != MasterKey(1, "SHA256", b"b secret of thirty-two bytes ...").id
    with pytest.raises(ValueError, match="32 bytes") as fault:
        MasterKey(1, "SM3", b"short secret")
    assert "short" not in str(fault.value)


@pytest.mark.parametrize("mask", [PLAIN, PROJECT])
def test_labels_name_the_project_and_never_the_consumer(mask: Mask) -> None:
    label = "PSEUDONYM(housing-2026)" if mask is PROJECT else "PSEUDONYM"
    assert parse_mask(label) == mask
    assert mask_for("someone", (2, "SM3"), mask).label == label
    assert mask_for("someone", (2, "SM3"), mask).version == 2


def test_b8_pseudonyms_of_two_consumers_never_add_up() -> None:
    assert not together_show_more(mask_for("alpha"), mask_for("beta"))
    assert not together_show_more(mask_for("alpha"), Mask("KEEP_FIRST_N_LAST_M", (3, 4)))
