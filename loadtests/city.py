"""A made-up city of a million residents and their companies in PostgreSQL; who a resident is follows from the number of the row and a seed alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from string import Template

import psycopg

_REGIONS = ("520102", "520103", "520111", "520112", "520113", "520121", "520122", "520123")
_DISTRICTS = ("南明区", "云岩区", "花溪区", "乌当区", "白云区", "开阳县", "息烽县", "修文县")
_STREETS = ("花果园街道", "中华路街道", "贵筑街道", "新添寨街道", "大山洞街道", "硒城街道", "永靖镇", "龙场街道", "文昌阁街道", "金阳街道", "清溪街道")
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红玲芬燕"
_SCOPES = ("农产品收购与销售", "软件和信息技术服务", "道路货物运输", "餐饮服务", "建筑装饰工程", "茶叶种植与加工", "物业管理", "医疗器械销售", "人力资源服务")
_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASE_31 = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CREDIT_WEIGHTS = tuple(3**place % 31 for place in range(17))
_STEP = 61803399
"""Shares no factor with what it is taken modulo of: different rows have different numbers."""
_DAYS = 20000
_RESIDENTS = len(_REGIONS) * _DAYS * 1000
_MIX, _WORD = 2654435761, 2**32


@dataclass(frozen=True)
class City:
    """Which city it is, and which documents are asked of it: ``round`` changes their text, ``unique`` makes each request's text its own."""

    persons: int = 1_000_000
    companies: int = 200_000
    seed: int = 7
    round: int = 0
    unique: bool = False

    def id_number(self, n: int) -> str:
        """The resident identity number (GB 11643) of a person, from 1 to ``persons``."""
        place, region = divmod((n * _STEP + self.seed) % _RESIDENTS, len(_REGIONS))
        order, day = divmod(place, _DAYS)
        born = date(1950, 1, 1) + timedelta(days=day)
        stem = f"{_REGIONS[region]}{born:%Y%m%d}{order:03}"
        return stem + "10X98765432"[sum(w * int(c) for w, c in zip(_RESIDENT_WEIGHTS, stem, strict=True)) % 11]

    def name(self, n: int) -> str:
        """The name of a person."""
        drawn = (n * _MIX + self.seed) % _WORD
        given = _GIVEN[drawn // 20 % 30] + _GIVEN[drawn // 600 % 31 : drawn // 600 % 31 + 1]
        return _SURNAMES[drawn % 20] + given


def fill(url: str, persons: int = 1_000_000, companies: int = 200_000, seed: int = 7) -> None:
    """Fills an empty PostgreSQL database with the tables ``person`` and ``company``; a million residents take about half a minute.

    Raises:
        psycopg.Error: the tables are there already, or the server refuses.
    """
    with psycopg.connect(url.replace("+asyncpg", "").replace("+psycopg", ""), autocommit=True) as connection:
        for statement in _STATEMENTS.split(";\n\n"):
            connection.execute(Template(statement).substitute(_PARTS, persons=int(persons), companies=int(companies), seed=int(seed)))


def _weighed(text: str, weights: tuple[int, ...], alphabet: str) -> str:
    return " + ".join(f"{weight} * (strpos('{alphabet}', substr({text}, {place}, 1)) - 1)" for place, weight in enumerate(weights, 1))


def _array(values: tuple[str, ...]) -> str:
    return "(ARRAY[" + ", ".join(f"'{value}'" for value in values) + "])"


_STATEMENTS = Path(__file__).with_suffix(".sql").read_text("utf-8")
_PARTS = {
    "regions": _array(_REGIONS),
    "districts": _array(_DISTRICTS),
    "streets": _array(_STREETS),
    "scopes": _array(_SCOPES),
    "surnames": _SURNAMES,
    "given": _GIVEN,
    "letters": _BASE_31,
    "step": _STEP,
    "days": _DAYS,
    "residents": _RESIDENTS,
    "mix": _MIX,
    "word": _WORD,
    "codes": 31**6,
    "drawn_letters": " || ".join(f"substr('{_BASE_31}', 1 + (x / {31**place} % 31)::int, 1)" for place in range(6)),
    "resident_sum": _weighed("stem", _RESIDENT_WEIGHTS, _BASE_36),
    "organisation_check": f"(11 - ({_weighed('organisation', _ORGANISATION_WEIGHTS, _BASE_36)}) % 11)",
    "credit_sum": _weighed("stem", _CREDIT_WEIGHTS, _BASE_31),
}
