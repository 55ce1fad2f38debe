"""A register of made-up persons, its manifest over any source, and two applications: one is shown everything, the other half of it masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ROWS = 1000
ITEMS = ("id_number", "name", "gender", "birth_date", "phone", "address", "email", "household_no")
MASKED: Mapping[str, str] = {"id_number": "ID_NUMBER_1_1", "name": "NAME", "phone": "KEEP_FIRST_3_LAST_4", "address": "ADDRESS_TO_DISTRICT"}
PURPOSE = {"code": "use", "scenario": "bench", "basis": "bench"}
_SURNAMES = "王李张刘陈杨黄赵吴周"
_DISTRICTS = ("南明区", "云岩区", "花溪区", "乌当区", "白云区", "观山湖区", "修文县", "开阳县")

_HEAD = """
[department]
code = "register"
name = "登记局"
name_en = "Register"
uscc = "11520100009394392D"

[[sources]]
code = "persons"
{source}

[[resources]]
code = "person"
plural = "persons"
name = "人口信息"
name_en = "Persons"
description = "一千人的基本信息"
classification = "30702601"
level = "INTERNAL"
sharing_class = "CONDITIONAL"
legal_basis = ["户口登记条例第三条"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY", "EXCHANGE"]
service_methods = ["INTERFACE", "FILE"]
source = "persons"
identifiers = ["id_number"]
stable_key = "record_no"
stable_key_type = "{key_type}"
{binding}
"""
_ITEM = """
[[resources.items]]
code = "{code}"
name = "{code}"
type = "{type}"
column = "{code}"
"""


@dataclass(frozen=True)
class Place:
    """How a manifest tells where the register lies."""

    source: str
    """Lines of the source."""
    binding: str
    """Lines of the resource."""
    key_type: str = "bigint"


def manifest(place: Place) -> str:
    """The manifest of the register."""
    items = "".join(_ITEM.format(code=code, type="date" if code == "birth_date" else "string") for code in ITEMS)
    return _HEAD.format(source=place.source, binding=place.binding, key_type=place.key_type) + items


def grant(application: str, masks: Mapping[str, str]) -> dict[str, object]:
    """The input of a grant of the list, with these items masked."""
    shown = [{"code": code, "value": "MASKED", "mask": masks[code]} if code in masks else {"code": code, "value": "CLEAR"} for code in ITEMS]
    return {
        "application": application,
        "resource": "register.person",
        "operations": ["QUERY", "EXCHANGE"],
        "items": shown,
        "purposes": [PURPOSE],
        "max_page": ROWS,
        "approver": "bench",
    }


def rows() -> list[tuple[object, ...]]:
    """(record number, values of the items) of each person, always the same."""
    return [(number, *_values(number)) for number in range(1, ROWS + 1)]


def _values(n: int) -> tuple[str, ...]:
    year, month, day = 1940 + n % 80, 1 + n % 12, 1 + n % 28
    name = _SURNAMES[n % 10] + "小明建国华丽"[n % 5 : n % 5 + 1 + n % 2]
    address = f"贵州省贵阳市{_DISTRICTS[n % 8]}花果园街道{n}号{n % 30}栋{n % 9}单元"
    return (
        f"520102{year}{month:02}{day:02}{n % 10000:04}",
        name,
        "男女"[n % 2],
        f"{year}-{month:02}-{day:02}",
        f"138{n:08}",
        address,
        f"person{n}@example.com",
        f"H-{n // 3:06}",
    )
