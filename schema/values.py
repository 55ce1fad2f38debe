"""Values that callers send: brought to the one form in which they are stored and compared, or refused with the reason."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from connectors.selection import Compare, Comparison, Kind, Undeliverable, Value
from masking.canonical import canonical_code, canonical_identifier, canonical_mobile, canonical_name, canonical_text, is_date, is_name, unseen
from masking.spellings import of_code, of_mobile, of_name, of_resident_id, of_text
from schema.faults import Code, Fault, bad_input
from schema.model import Item, Resource

_MOST_TEXT = 4096
_JSON: tuple[type[Any], ...] = (str, int, float, dict, list)


def checked(value: Any, name: str) -> Value:
    """A filter's value as it is; text that no source can hold (a NUL character) or longer than 4,096 characters is refused."""
    if isinstance(value, str) and ("\x00" in value or len(value) > _MOST_TEXT):
        raise bad_input(
            f"参数 {name} 的文本含有空字符或超过 {_MOST_TEXT} 个字符",
            f"the text of {name} holds a NUL character or is longer than {_MOST_TEXT} characters",
            "请去除空字符或缩短文本",
            "remove the NUL character or shorten the text",
        )
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise bad_input(f"参数 {name} 的类型不可用", f"{name} has a type that cannot be used")


def fits(value: Value, kind: Kind) -> bool:
    """Whether a source's number fits ``Int`` (32 bits) or ``Float`` (finite). What cannot be delivered at all is told of elsewhere."""
    if value is None or isinstance(value, Undeliverable):
        return True
    if kind is Kind.INTEGER:
        return isinstance(value, int) and -(2**31) <= value < 2**31
    return isinstance(value, int | float) and math.isfinite(value)


def unfit(resource: Resource, item: Item) -> Fault:
    """What is told of a value that the catalog's type cannot hold; never the value."""
    return Fault(
        Code.SOURCE_VALUE,
        f"{resource.name}的信息项「{item.name}」有超出目录所定类型范围的值",
        f"the source of {resource.code} holds a value of {item.code} that does not fit the type in the catalog",
        "须由提供部门更正，请用 reportError 反馈；目录可改用 bigint 或 decimal",
        "the department has to mend it, tell it by reportError; the catalog may use bigint or decimal",
    )


def undeliverable(resource: Resource, item: Item) -> Fault:
    """What is told of a value that the source holds and that no answer can carry: no text in UTF-8, no date of the calendar."""
    return Fault(
        Code.SOURCE_VALUE,
        f"{resource.name}的信息项「{item.name}」有无法交付的值",
        f"the source of {resource.code} holds a value of {item.code} that cannot be delivered",
        "须由提供部门更正，请用 reportError 反馈",
        "the department has to mend it; tell it by reportError",
    )


def deliverable(value: object) -> bool:
    """Whether JSON can carry the value."""
    try:
        dumped(value)
    except TypeError:
        return False
    return True


def dumped(value: object) -> bytes:
    """JSON.

    Raises:
        TypeError: it holds what JSON cannot carry: ``Undeliverable``, a text with a lone surrogate, an integer beyond 64 bits, no JSON type.
    """
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def _plain(value: Any) -> object:
    """What orjson hands over: subclasses of JSON's types. ``Undeliverable`` is the one that must not pass for a text."""
    if not isinstance(value, Undeliverable):
        for kind in _JSON:
            if isinstance(value, kind):
                return kind(value)
    raise TypeError("a value that JSON cannot carry")


def canonical(item: Item, value: Any, name: str) -> Value:
    """An identifier's or a claim's value in canonical form (:mod:`masking.canonical`), validated.

    Raises:
        Fault: ``BAD_INPUT``, naming what is wrong, the check digit for one; never the value.
    """
    plain = checked(value, name)
    if plain is None:
        raise bad_input(f"参数 {name} 不能为 null", f"{name} must not be null", "请给出值或省略该参数", "give a value, or leave it out")
    if not isinstance(plain, str) or item.kind is not Kind.STRING:
        return plain
    if unseen(plain):
        raise bad_input(
            f"参数 {name} 含有不可见字符(零宽字符、方向控制符、控制字符等)",
            f"{name} holds characters that are not seen (of zero width, of direction, of control)",
            "请删除这些字符后重新输入",
            "remove them and type the value anew",
        )
    form, valid = _FORMS.get(item.validator or "", (canonical_text, _text))
    return valid(form(plain), name)


def spellings(item: Item, value: Value) -> tuple[Value, ...]:
    """How a canonical claim may be written in the source; as many for every value of the item."""
    if not isinstance(value, str) or item.kind is not Kind.STRING:
        return (value,)
    return _SPELLINGS.get(item.validator or "", of_text)(value)


def key_values(item: Item, value: Value, *, spelled: bool) -> tuple[Value, ...]:
    """By which values a row with the canonical identifier is looked up; with ``spelled``, in any of its spellings."""
    if spelled and isinstance(value, str) and item.validator in _KEYS:
        return _SPELLINGS[item.validator](value)[:_MOST_KEYS]
    return (value,)


def identified(item: Item, value: Value, binds: dict[str, Value | Sequence[Value]], name: str, *, spelled: bool) -> Compare:
    """The condition that a row has the canonical identifier, bound by ``name``; with ``spelled``, in any of its spellings."""
    values = key_values(item, value, spelled=spelled)
    several = spelled and item.validator in _KEYS and isinstance(value, str)
    binds[name] = values if several else value
    return Compare(item.column, item.kind, Comparison.IN if several else Comparison.EQ, name)


def _resident_id(text: str, name: str) -> str:
    """GB 11643-1999: 17 digits and an ISO 7064 MOD 11-2 check character; the birth date must exist."""
    if len(text) != 18 or not text[:17].isascii() or not text[:17].isdigit() or text[17] not in "0123456789X":
        raise bad_input(
            f"参数 {name} 不是有效的公民身份号码：应为 17 位数字加 1 位校验码（数字或 X）",
            f"{name} is no valid resident ID number: 17 digits and a check character (digit or X) are expected",
            "请核对位数与字符",
            "check length and characters",
        )
    if not is_date(text[6:14]):
        raise bad_input(
            f"参数 {name} 不是有效的公民身份号码：第 7 至 14 位不是存在的出生日期",
            f"{name} is no valid resident ID number: characters 7 to 14 are no existing birth date",
        )
    if text[17] != (expected := ric.calc_check_digit(text)):
        raise bad_input(
            f"参数 {name} 不是有效的公民身份号码：校验码（第 18 位）应为 {expected}",
            f"{name} is no valid resident ID number: the check digit (character 18) should be {expected}",
            "请核对号码，可能有一位输入错误",
            "compare the number; one digit may be mistyped",
        )
    return text


def _uscc(text: str, name: str) -> str:
    """GB 32100-2015: 18 characters, MOD 31-3 check character."""
    try:
        return str(uscc.validate(text))
    except ValidationError:
        raise bad_input(
            f"参数 {name} 不是有效的统一社会信用代码(18 位，末位为校验码)",
            f"{name} is no valid unified social credit code (18 characters, the last is the check character)",
            "请核对代码",
            "compare the code",
        ) from None


def _mobile(text: str, name: str) -> str:
    if _MOBILE.fullmatch(text):
        return text
    raise bad_input(
        f"参数 {name} 不是有效的手机号码：应为 11 位数字，以 13 至 19 开头",
        f"{name} is no valid mobile number: 11 digits that begin with 13 to 19 are expected",
        "请给出完整号码，不能用脱敏后的值",
        "give the whole number; a masked one is none",
    )


def _division(text: str, name: str) -> str:
    if _DIVISION.fullmatch(text):
        return text
    raise bad_input(
        f"参数 {name} 不是有效的行政区划代码：应为 2、4、6、9 或 12 位数字",
        f"{name} is no valid code of a division: 2, 4, 6, 9 or 12 digits are expected",
        "请核对代码",
        "compare the code",
    )


def _person_name(text: str, name: str) -> str:
    """Letters, ideographs and the marks that names have; a mask's stars and a pseudonym's underscore are none of them."""
    if is_name(text):
        return text
    raise bad_input(
        f"参数 {name} 不是有效的姓名",
        f"{name} is no valid name of a person",
        "请给出完整姓名，不能用脱敏或假名化的值、通配符",
        "give the whole name; a masked value, a pseudonym or a wildcard is none",
    )


def _text(text: str, name: str) -> str:
    if text:
        return text
    raise bad_input(f"参数 {name} 不能为空文本", f"{name} must not be an empty text", "请给出值", "give a value")


_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_DIVISION = re.compile(r"[1-9][0-9](?:[0-9]{2}(?:[0-9]{2}(?:[0-9]{3}(?:[0-9]{3})?)?)?)?")
_FORMS: dict[str, tuple[Callable[[str], str], Callable[[str, str], str]]] = {
    "resident_id": (canonical_identifier, _resident_id),
    "uscc": (canonical_code, _uscc),
    "mobile": (canonical_mobile, _mobile),
    "division": (canonical_code, _division),
    "person_name": (canonical_name, _person_name),
}
_SPELLINGS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "resident_id": of_resident_id,
    "uscc": of_code,
    "mobile": of_mobile,
    "division": lambda code: (code,),
    "person_name": of_name,
}
_KEYS = frozenset({"resident_id", "uscc", "mobile"})
_MOST_KEYS = 3
"""Spellings by which a source looks up: each is one more search of its index."""
