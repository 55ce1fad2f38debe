"""Labels and declarations: what makes a rule, and what is told of what does not."""

from __future__ import annotations

import pytest

from masking.rules import DENY, Mask, UnknownMask, applies_to, declare, parse_mask
from tests.masking.cases import LABELS, mask_of

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    "label", [*LABELS, "ID_NUMBER", "ID_NUMBER_FIXED", "BANK_CARD", "BANK_CARD_6_4_FIXED", "PSEUDONYM", "PSEUDONYM(housing)", "CONSTANT()"]
)
def test_a_rules_own_label_is_read_again(label: str) -> None:
    mask = mask_of(label)
    assert mask_of(mask.label) == mask


def test_deny_and_declared_codes() -> None:
    own = declare("own_phone", "PHONE", {}, version=3)
    assert parse_mask(DENY) is None
    assert parse_mask("own_phone", {"own_phone": own}) is own
    assert (own.label, own.version) == ("own_phone", 3)
    with pytest.raises(UnknownMask, match="own_phone"):
        parse_mask("own_phone")


@pytest.mark.parametrize(
    "label",
    [
        "", "name", "NAME_FIXED", "NULL_FIXED", "KEEP_FIRST_100_LAST_0", "KEEP_FIRST_３_LAST_4", "MASK_FIRST_0_LAST_0", "MASK_FROM_5_TO_4", "NAME ", "NAME\n",
        "MASK_BEFORE_SPECIAL_CHARS()", "MASK_AFTER_SPECIAL_CHARS(())", "DATE_TO_BAND(0)", "DATE_TO_BAND(101)", "NUMBER_ROUND(1)", "NUMBER_ROUND(-5)",
        "NUMBER_TO_INTERVAL(1000000000001)", "CONSTANT(a\0)", f"CONSTANT({'x' * 65})",
    ],
)  # fmt: skip
def test_other_labels_are_refused(label: str) -> None:
    with pytest.raises(UnknownMask):
        parse_mask(label)


@pytest.mark.parametrize(
    ("algorithm", "props", "expected"),
    [
        ("KEEP_FIRST_N_LAST_M", {"first-n": 3, "last-m": "4", "replace-char": "*"}, Mask("KEEP_FIRST_N_LAST_M", (3, 4))),
        ("ID_NUMBER", {}, Mask("KEEP_FIRST_N_LAST_M", (1, 1))),
        ("BANK_CARD", {"first_n": 0}, Mask("KEEP_FIRST_N_LAST_M", (0, 4))),
        ("MASK_FROM_X_TO_Y", {"from-x": 2, "to-y": 2}, Mask("MASK_FROM_X_TO_Y", (2, 2))),
        ("MASK_AFTER_SPECIAL_CHARS", {"special-chars": "()"}, Mask("MASK_AFTER_SPECIAL_CHARS", ("()",))),
        ("DATE_TO_BAND", {"years": 5}, Mask("DATE_TO_BAND", (5,))),
        ("NUMBER_ROUND", {"step": 100}, Mask("NUMBER_ROUND", (100,))),
        ("CONSTANT", {"text": "(无)"}, Mask("CONSTANT", ("(无)",))),
        ("PSEUDONYM", {"project": "housing"}, Mask("PSEUDONYM", ("housing",))),
        ("EMAIL", {}, Mask("EMAIL", share=90)),
    ],
)
def test_declarations(algorithm: str, props: dict[str, int | str], expected: Mask) -> None:
    made = declare("own", algorithm, props)
    assert (made.algorithm, made.parameters, made.share, made.name) == (expected.algorithm, expected.parameters, expected.share, "own")


@pytest.mark.parametrize(
    ("algorithm", "props", "more", "said"),
    [
        ("MD5", {}, {}, "'MD5'.*KEEP_FIRST_N_LAST_M"),
        ("PHONE", {"first-n": 3}, {}, "first_n"),
        ("KEEP_FIRST_N_LAST_M", {"first-n": 3}, {}, "'last_m'.*0 to 99.*last_m = 4"),
        ("KEEP_FIRST_N_LAST_M", {"first-n": "x", "last-m": 1}, {}, "'first_n'"),
        ("KEEP_FIRST_N_LAST_M", {"first-n": True, "last-m": 1}, {}, "'first_n'"),
        ("KEEP_FROM_X_TO_Y", {"from-x": 5, "to-y": 4}, {}, "from_x"),
        ("MASK_BEFORE_SPECIAL_CHARS", {"special-chars": 5}, {}, "special_chars.*1 to 16 characters"),
        ("NUMBER_ROUND", {"step": 1}, {}, "'step'.*from 2"),
        ("PHONE", {"replace-char": "#"}, {}, "replace_char"),
        ("NAME", {}, {"fixed": True}, "fixed.*PHONE"),
        ("NAME", {}, {"share": 0}, "share.*1 to 100"),
        ("NAME", {}, {"version": 0}, "version"),
        ("CONSTANT", {"text": "\ud800"}, {}, "'text'"),
    ],
)
def test_what_is_wrong_with_a_declaration_is_named(algorithm: str, props: dict[str, int | str], more: dict[str, int], said: str) -> None:
    with pytest.raises(UnknownMask, match=f"'own'.*{said}"):
        declare("own", algorithm, props, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "types"),
    [
        ("PHONE", {"string"}),
        ("PSEUDONYM", {"string"}),
        ("DATE_TO_BAND(10)", {"date", "datetime"}),
        ("DATE_TO_YEAR", {"date", "datetime"}),
        ("NUMBER_ROUND(10)", {"integer", "bigint", "float", "decimal"}),
        ("NULL", {"string", "integer", "bigint", "float", "decimal", "boolean", "date", "datetime"}),
    ],
)
def test_types_that_a_rule_masks(label: str, types: set[str]) -> None:
    every = ("string", "integer", "bigint", "float", "decimal", "boolean", "date", "datetime")
    assert {each for each in every if applies_to(mask_of(label), each)} == types
