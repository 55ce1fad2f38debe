"""The arithmetic of what a mask leaves to guess: the figures of the threat model, and counts that equal plain enumeration."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import ric

from hub.masking import spaces
from hub.masking.inference import PSEUDONYM_KEYS, infer
from hub.masking.meanings import TEXTS, Meaning, division_codes, synthetic
from masking.rules import Mask, declare, parse_mask

pytestmark = pytest.mark.fast


def rule(label: str) -> Mask:
    found = parse_mask(label)
    assert found is not None
    return found


def left(label: str, meaning: Meaning, value: str | int | None = None) -> int:
    return infer(rule(label), meaning, synthetic(meaning)[0] if value is None else value).count.candidates


def test_a_number_with_six_and_four_shown_is_nearly_no_mask() -> None:
    found = infer(rule("KEEP_FIRST_6_LAST_4"), Meaning.RESIDENT_ID, "340722194801264747")
    assert (found.masked, found.count.candidates, found.count.exact) == ("340722********4747", 3326, True)
    assert [(more.en, more.candidates) for more in found.knowing] == [("with the year of birth", 34), ("with the date of birth", 1)]
    assert left("ID_NUMBER_1_1", Meaning.RESIDENT_ID) > 10**9


@pytest.mark.parametrize(
    ("label", "meaning", "candidates"),
    [
        ("KEEP_FIRST_3_LAST_4", Meaning.MOBILE, 10**4),
        ("PHONE", Meaning.MOBILE, 10**4),
        ("NAME", Meaning.NAME, spaces.GIVEN + spaces.GIVEN**2),
        ("KEEP_FIRST_1_LAST_0", Meaning.NAME, spaces.GIVEN),
        ("ADDRESS_TO_DISTRICT", Meaning.ADDRESS, spaces.HOUSEHOLDS),
        ("BANK_CARD_6_4", Meaning.BANK_CARD, 10**8),
        ("NUMBER_TO_INTERVAL(500)", Meaning.NUMBER, 500),
        ("NUMBER_TO_INTERVAL(1000000)", Meaning.NUMBER, 10**6),
        ("PSEUDONYM", Meaning.RESIDENT_ID, PSEUDONYM_KEYS),
        ("CONSTANT(-)", Meaning.MOBILE, 55 * 10**8),
        ("NULL", Meaning.DATE, 36525),
        ("KEEP_FIRST_9_LAST_9", Meaning.MOBILE, 55 * 10**8),
    ],
)
def test_what_remains(label: str, meaning: Meaning, candidates: int) -> None:
    assert left(label, meaning) == candidates


def test_dates_are_counted_out() -> None:
    assert left("DATE_TO_YEAR", Meaning.DATE, "1990-05-17") == 365
    assert left("DATE_TO_YEAR", Meaning.DATE, "2000-02-29") == 366
    assert left("DATE_TO_BAND(10)", Meaning.DATE, "1990-05-17") == 3652


def test_the_space_of_numbers_is_that_of_the_threat_model() -> None:
    assert spaces.whole(Meaning.RESIDENT_ID).candidates == len(division_codes()) * 36525 * 1000
    assert 1.1e11 < spaces.whole(Meaning.RESIDENT_ID).candidates < 1.2e11


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2), st.frozensets(st.integers(6, 17), max_size=7))
def test_the_count_of_numbers_equals_plain_enumeration(seed: int, shown: frozenset[int]) -> None:
    value = str(synthetic(Meaning.RESIDENT_ID, seed)[0])
    places = shown | set(range(10)) | {14, 15}
    known = {place: value[place] for place in places}
    first = date(int(value[6:10]), 1, 1)
    days = [first + timedelta(days=n) for n in range(366)]
    stems = (f"{value[:6]}{day:%Y%m%d}{order:03d}" for day in days if day.year == first.year for order in (int(value[14:16] + last) for last in "0123456789"))
    numbers = (stem + ric.calc_check_digit(stem + "0") for stem in stems)
    plain = sum(all(number[place] == character for place, character in known.items()) for number in numbers)
    assert spaces.resident_ids(known).candidates == plain


@pytest.mark.parametrize("seed", range(3))
def test_synthetic_values_are_the_same_for_a_seed_and_hold_together(seed: int) -> None:
    for meaning in Meaning:
        assert synthetic(meaning, seed) == synthetic(meaning, seed)
    assert ric.is_valid(str(synthetic(Meaning.RESIDENT_ID, seed)[0]))
    assert {len(str(name)) for name in synthetic(Meaning.NAME, seed)} >= {1, 2, 3, 4}


def test_a_stronger_rule_never_leaves_fewer_candidates() -> None:
    for meaning in TEXTS:
        for value in synthetic(meaning):
            wide, narrow = (infer(declare("x", "KEEP_FIRST_N_LAST_M", {"first_n": n, "last_m": n}, share=100), meaning, value) for n in (3, 1))
            if wide.shown_percent:
                assert narrow.count.candidates >= wide.count.candidates
                assert (narrow.shown_percent or 0) <= wide.shown_percent
