"""Tests of sampled values: what almost all of them are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from stdnum import luhn
from stdnum.cn import ric, uscc

from connectors.selection import Value
from masking.words import COMPOUND_SURNAMES

_ENOUGH = 3
"""Values without which a sample proves nothing."""
_MOSTLY = 0.9
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边辜吉饶"
)
_MOBILE = re.compile(r"(?:\+?86[- ]?)?1[3-9]\d{9}\Z")
_PHONE = re.compile(r"\+?[\d() .-]{7,20}\Z")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_PERSON = re.compile(r"[\u3400-\u9fff·]{2,15}\Z")
_PLACE = re.compile(r"[省市区县乡镇].*[路街道巷村号弄栋]")
_DIVISION = re.compile(r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])(?:\d{4}|\d{7}|\d{10})\Z")
"""GB/T 2260: province first; six digits, nine with the township, twelve with the village."""

Test = Callable[[str], bool]


def mostly(test: Test, values: Sequence[Value]) -> bool:
    """Almost all values pass, and there are enough of them."""
    texts = [str(value).strip() for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    return len(texts) >= _ENOUGH and sum(map(test, texts)) >= _MOSTLY * len(texts)


def always(test: Test, values: Sequence[Value]) -> bool:
    """All values pass; with none, true."""
    return all(isinstance(value, str | int) and test(str(value).strip()) for value in values)


def is_resident_id(text: str) -> bool:
    """GB 11643, to the check character."""
    return bool(ric.is_valid(text.upper()))


def is_uscc(text: str) -> bool:
    """GB 32100, to the check character."""
    return len(text) == 18 and bool(uscc.is_valid(text))


def is_mobile(text: str) -> bool:
    """A mobile number of the mainland."""
    return _MOBILE.match(text) is not None


def is_phone(text: str) -> bool:
    """Looks like a telephone number."""
    return _PHONE.match(text) is not None


def is_email(text: str) -> bool:
    """Looks like an e-mail address."""
    return _EMAIL.match(text) is not None


def is_person(text: str) -> bool:
    """A Chinese person's name: a common surname, or a minority name with ``·``."""
    return _PERSON.match(text) is not None and ((text[0] in _SURNAMES and len(text) <= 4) or text[:2] in COMPOUND_SURNAMES or "·" in text)


def is_place(text: str) -> bool:
    """A Chinese address: a division, then a street, a village or a number."""
    return _PLACE.search(text) is not None


def is_division(text: str) -> bool:
    """A code of an administrative division."""
    return _DIVISION.match(text) is not None


def is_bank_card(text: str) -> bool:
    """16 to 19 digits with a check digit (ISO/IEC 7812)."""
    return text.isdigit() and 16 <= len(text) <= 19 and bool(luhn.is_valid(text))
