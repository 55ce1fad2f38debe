"""What kind of thing an item's values are, and values of that kind that nobody has, from a seeded generator. No source is ever read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from enum import Enum
from functools import cache
from random import Random

from stdnum import luhn, numdb
from stdnum.cn import ric

from connectors.selection import Kind
from schema.model import Item

Synthetic = str | int


class Meaning(Enum):
    """What a value stands for."""

    RESIDENT_ID = "RESIDENT_ID"
    MOBILE = "MOBILE"
    LANDLINE = "LANDLINE"
    NAME = "NAME"
    ADDRESS = "ADDRESS"
    BANK_CARD = "BANK_CARD"
    EMAIL = "EMAIL"
    DATE = "DATE"
    DATETIME = "DATETIME"
    NUMBER = "NUMBER"
    TEXT = "TEXT"


TEXTS = (Meaning.RESIDENT_ID, Meaning.MOBILE, Meaning.LANDLINE, Meaning.NAME, Meaning.ADDRESS, Meaning.BANK_CARD, Meaning.EMAIL)
FIRST_YEAR, LAST_YEAR = 1926, 2025
"""Years of birth that the arithmetic assumes: a hundred, 36,525 days."""
MOBILE_PREFIXES = tuple(
    str(prefix)
    for prefix in (
        *range(130, 140),
        *range(145, 150),
        *range(150, 154),
        *range(155, 160),
        162,
        *range(165, 168),
        *range(170, 179),
        *range(180, 192),
        193,
        *range(195, 200),
    )
)
"""First three digits of mainland mobile numbers in use."""
_WORDS = (
    (Meaning.RESIDENT_ID, "id_?card|id_?number|identity|resident_id|citizen_id", "身份"),
    (Meaning.BANK_CARD, "bank|card_?(no|number)|account_?(no|number)", "银行|卡号|账号"),
    (Meaning.EMAIL, "e_?mail", "邮箱|电子邮件"),
    (Meaning.MOBILE, "mobile|cell|phone", "手机|电话"),
    (Meaning.LANDLINE, "tel|fax|landline", "固话|座机|传真"),
    (Meaning.ADDRESS, "addr|address|residence", "住址|地址"),
    (Meaning.NAME, "(^|_)(full_?)?name($|_)|person_?name|legal_rep", "姓名"),
)
_BY_VALIDATOR = {"resident_id": Meaning.RESIDENT_ID, "mobile": Meaning.MOBILE}
_BY_KIND = {Kind.DATE: Meaning.DATE, Kind.DATETIME: Meaning.DATETIME, Kind.INTEGER: Meaning.NUMBER, Kind.BIGINT: Meaning.NUMBER}
_BY_KIND |= {Kind.FLOAT: Meaning.NUMBER, Kind.DECIMAL: Meaning.NUMBER}
BIRTH = re.compile("birth|csrq")


def meaning_of(item: Item) -> Meaning:
    """What an item's values are taken to be: by its type, its validator, its code and name."""
    if item.kind in _BY_KIND:
        return _BY_KIND[item.kind]
    if item.validator in _BY_VALIDATOR:
        return _BY_VALIDATOR[item.validator]
    found = (meaning for meaning, code, name in _WORDS if re.search(code, item.code) or re.search(name, item.name))
    return next(found, Meaning.TEXT)


def meanings_of(type_: str) -> tuple[Meaning, ...]:
    """The meanings that values of a catalog type may have."""
    return TEXTS if type_ == Kind.STRING.value else (_BY_KIND.get(Kind(type_), Meaning.TEXT),)


@cache
def division_codes() -> tuple[str, ...]:
    """County-level division codes in force (GB/T 2260), with which resident identity numbers begin."""
    return tuple(province + low for province, low, name in _divisions() if not low.endswith("00") and _in_force(name))


def _divisions() -> Iterator[tuple[str, str, str]]:
    for _, province, _, _, counties in numdb.get("cn/loc").prefixes:
        for _, low, high, properties, _ in counties:
            if low == high:
                yield province, low, properties["county"]


def _in_force(name: str) -> bool:
    last = name.split(",")[-1]
    return not last.startswith("[") or last.partition("]")[0].endswith("-")


def synthetic(meaning: Meaning, seed: int = 0) -> tuple[Synthetic, ...]:
    """A few values of a meaning, the same for a seed; hard cases among them."""
    rng = Random(f"{meaning.value} {seed}")  # noqa: S311 - values to show, not secrets
    return _MAKERS[meaning](rng)


def _day(rng: Random) -> date:
    first = date(1940, 1, 1)
    return first + timedelta(days=rng.randrange((date(2010, 1, 1) - first).days))


def _digits(rng: Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def _resident_ids(rng: Random) -> tuple[str, ...]:
    def made() -> str:
        # A county's code may be younger than the person.
        while True:
            stem = f"{rng.choice(division_codes())}{_day(rng):%Y%m%d}{rng.randrange(1, 999):03d}"
            number: str = stem + ric.calc_check_digit(stem + "0")
            if ric.is_valid(number):
                return number

    old = f"{rng.choice(division_codes())}{_day(rng):%y%m%d}{rng.randrange(1, 999):03d}"
    return made(), made(), old


def _mobiles(rng: Random) -> tuple[str, ...]:
    return tuple(rng.choice(MOBILE_PREFIXES) + _digits(rng, 8) for _ in range(2))


def _landlines(rng: Random) -> tuple[str, ...]:
    return f"0851-8{_digits(rng, 7)}", f"010-6{_digits(rng, 7)}"


def _names(rng: Random) -> tuple[str, ...]:
    surname, first, second = rng.choice("王李张刘陈杨赵黄"), rng.choice("伟芳娜敏静强磊洋"), rng.choice("华明丽军杰涛超霞")
    return surname + first, surname + first + second, "欧阳" + first + second, "阿依古丽·买买提", surname


def _addresses(rng: Random) -> tuple[str, ...]:
    district = rng.choice(("南明区", "云岩区", "花溪区", "观山湖区"))
    house = f"{rng.randrange(1, 400)}号{rng.randrange(1, 15)}栋{rng.randrange(1, 5)}单元{rng.randrange(1, 33)}01室"
    return f"贵州省贵阳市{district}文昌路{house}", f"贵州省黔东南苗族侗族自治州凯里市北京西路{house}"


def _cards(rng: Random) -> tuple[str, ...]:
    return tuple(stem + luhn.calc_check_digit(stem) for stem in (f"62{_digits(rng, 16)}", f"62{_digits(rng, 13)}"))


def _mails(rng: Random) -> tuple[str, ...]:
    return f"wang.{rng.choice(('lei', 'min', 'jun'))}{_digits(rng, 2)}@example.cn", f"{rng.choice('abcdef')}@example.com"


def _dates(rng: Random) -> tuple[str, ...]:
    return _day(rng).isoformat(), "2000-02-29"


def _datetimes(rng: Random) -> tuple[str, ...]:
    return (f"{_day(rng).isoformat()}T0{rng.randrange(10)}:30:00+00:00",)


def _numbers(rng: Random) -> tuple[int, ...]:
    return rng.randrange(1000, 20_000), rng.randrange(0, 100)


def _texts(rng: Random) -> tuple[str, ...]:
    return f"黔A{_digits(rng, 5)}", f"DOC-{_digits(rng, 8)}", _digits(rng, 3)


_MAKERS: dict[Meaning, Callable[[Random], tuple[Synthetic, ...]]] = {
    Meaning.RESIDENT_ID: _resident_ids,
    Meaning.MOBILE: _mobiles,
    Meaning.LANDLINE: _landlines,
    Meaning.NAME: _names,
    Meaning.ADDRESS: _addresses,
    Meaning.BANK_CARD: _cards,
    Meaning.EMAIL: _mails,
    Meaning.DATE: _dates,
    Meaning.DATETIME: _datetimes,
    Meaning.NUMBER: _numbers,
    Meaning.TEXT: _texts,
}
