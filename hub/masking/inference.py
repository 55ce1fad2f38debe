"""What somebody who sees a masked value can still tell: how many values it may be, also with what else is often known."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import log2

from hub.masking import spaces
from hub.masking.meanings import Meaning, Synthetic
from hub.masking.spaces import Count, Known
from masking.generated import Masking, compile_mask
from masking.pseudonym import KEYS, SECRET_BYTES, MasterKey, bound
from masking.rules import Mask

_POSITIONS = frozenset(
    {
        *("KEEP_FIRST_N_LAST_M", "KEEP_FROM_X_TO_Y", "MASK_FIRST_N_LAST_M", "MASK_FROM_X_TO_Y"),
        *("MASK_BEFORE_SPECIAL_CHARS", "MASK_AFTER_SPECIAL_CHARS", "PHONE"),
    }
)
_ENUMERATED = 20_000
"""Steps of a number up to which its interval is counted out."""
PSEUDONYM_KEYS = 2**128


@dataclass(frozen=True, slots=True)
class Knowing:
    """How many values remain to somebody who knows more besides."""

    zh: str
    en: str
    candidates: int


@dataclass(frozen=True, slots=True)
class Inference:
    """One synthetic value, what the rule makes of it, and what that gives away."""

    meaning: Meaning
    value: Synthetic
    masked: str | None
    """``None``: withheld."""
    shown_percent: int | None
    """Of a text's characters; ``None`` for dates and numbers."""
    count: Count
    knowing: tuple[Knowing, ...] = ()
    length_shows: bool = False

    @property
    def bits(self) -> float:
        """What is left to guess, in bits."""
        return round(log2(self.count.candidates), 1) if self.count.candidates > 0 else 0.0


def infer(mask: Mask, meaning: Meaning, value: Synthetic) -> Inference:
    """What the rule shows of a value."""
    if mask.algorithm == "PSEUDONYM":
        return _pseudonym(mask, meaning, value)
    masked_by = compile_mask(mask)
    masked = masked_by(value)
    text = None if masked is None else str(masked)
    if masked is None or mask.algorithm == "CONSTANT":
        return Inference(meaning, value, text, 0 if isinstance(value, str) else None, spaces.whole(meaning))
    if meaning in (Meaning.DATE, Meaning.DATETIME):
        return Inference(meaning, value, text, None, _dates(masked_by, meaning, value, masked), tuple(_knowing_dates(meaning)))
    if meaning is Meaning.NUMBER or isinstance(value, int):
        return Inference(meaning, value, text, None, _numbers(mask, masked_by, value, masked))
    return _text(mask, meaning, value, str(masked))


@cache
def _sample_key() -> str:
    """The id of a key of this process alone, for pseudonyms that nobody ever sees again."""
    key = MasterKey(1, "SM3", secrets.token_bytes(SECRET_BYTES))
    KEYS.hold("preview", [key])
    return key.id


def _pseudonym(mask: Mask, meaning: Meaning, value: Synthetic) -> Inference:
    shown = compile_mask(bound(mask, "preview", _sample_key(), 1))(value)
    zh, en = "须知道密钥：2^128 次尝试；相同的值假名相同", "needs the key: 2^128 tries; equal values have equal pseudonyms"
    return Inference(meaning, value, None if shown is None else str(shown), 0, Count(PSEUDONYM_KEYS, False, zh, en))


def _dates(masked_by: Masking, meaning: Meaning, value: Synthetic, masked: object) -> Count:
    whole = spaces.whole(meaning)
    tail = str(value)[10:] if meaning is Meaning.DATETIME else ""
    alike = sum(masked_by(day + tail) == masked for day in spaces.dates())
    zh, en = "逐日计数", "counted day by day"
    if meaning is Meaning.DATETIME:
        return Count(alike * 86_400, False, f"{zh}，每日 86,400 秒", f"{en}, 86,400 seconds in each")
    return Count(alike, True, f"{zh}：{whole.zh}", f"{en}: {whole.en}")


def _knowing_dates(meaning: Meaning) -> Iterator[Knowing]:
    if meaning is Meaning.DATE:
        yield Knowing("另知月日（如生日）", "with month and day (a birthday)", 1)


def _numbers(mask: Mask, masked_by: Masking, value: Synthetic, masked: object) -> Count:
    step = int(mask.parameters[0]) if mask.parameters else 1
    if step > _ENUMERATED or not isinstance(value, int):
        return Count(step, True, f"整数，间隔 {step:,}", f"whole numbers, a step of {step:,}")
    alike = sum(masked_by(number) == masked for number in range(value - step, value + step + 1))
    return Count(alike, True, "整数，逐一计数", "whole numbers, counted")


def _text(mask: Mask, meaning: Meaning, value: str, masked: str) -> Inference:
    same_length = mask.algorithm in _POSITIONS and not mask.fixed and len(masked) == len(value)
    known = _known(value, masked, same_length)
    share = round(100 * len(known) / len(value)) if value else 0
    count = _count(meaning, value, masked, known, same_length)
    return Inference(meaning, value, masked, share, count, tuple(_knowing(meaning, value, known)), same_length and len(known) < len(value))


def _known(value: str, masked: str, same_length: bool) -> Known:
    if same_length:
        return {place: value[place] for place, character in enumerate(masked) if character != "*"}
    head, _, rest = masked.partition("*")
    tail = rest.rpartition("*")[2] if rest else ""
    if value.startswith(head) and value.endswith(tail) and len(head) + len(tail) <= len(value):
        places = (*range(len(head)), *range(len(value) - len(tail), len(value)))
        return {place: value[place] for place in places}
    return {}


def _count(meaning: Meaning, value: str, masked: str, known: Known, length_known: bool) -> Count:
    if meaning is Meaning.RESIDENT_ID and value[:-1].isdigit() and len(value) in (15, 18):
        return spaces.resident_ids(known) if len(value) == 18 else spaces.old_resident_ids(known)
    if meaning is Meaning.MOBILE and value.isdigit() and len(value) == 11:
        return spaces.mobiles(known)
    if meaning is Meaning.BANK_CARD and value.isdigit():
        return spaces.cards(known, len(value))
    if meaning is Meaning.NAME and len(value) <= 4 and "·" not in value:
        return spaces.names(value, known, length_known)
    if meaning is Meaning.ADDRESS and (found := spaces.addresses(masked)):
        return found
    count = spaces.characters(value, known, length_known)
    if meaning is Meaning.ADDRESS:
        return spaces.bounded(count, spaces.HOUSEHOLDS * spaces.DIVISIONS, "全国住户数", "households of the country")
    return spaces.bounded(count, spaces.POPULATION, "全国人口数", "people of the country") if meaning is Meaning.NAME else count


_BESIDES = (
    (range(6, 10), "另知出生年份", "with the year of birth"),
    (range(6, 14), "另知出生日期", "with the date of birth"),
    (range(6), "另知登记地区县", "with the county of registration"),
)


def _knowing(meaning: Meaning, value: str, known: Known) -> Iterator[Knowing]:
    if meaning is Meaning.RESIDENT_ID and len(value) == 18:
        for places, zh, en in _BESIDES:
            if not all(place in known for place in places):
                yield Knowing(zh, en, with_places(value, known, places).candidates)


def with_places(value: str, known: Known, places: range) -> Count:
    """What remains of a resident identity number where these places are known besides."""
    return spaces.resident_ids({**known, **{place: value[place] for place in places}})


def known_of(mask: Mask, value: str) -> Known:
    """The characters of a resident identity number that a rule shows."""
    masked = compile_mask(mask)(value)
    text = masked if isinstance(masked, str) else ""
    return _known(value, text, mask.algorithm in _POSITIONS and not mask.fixed and len(text) == len(value)) if text else {}
