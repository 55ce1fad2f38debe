"""Companies, sole traders and their food licences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from hub.demo.clock import AS_OF, Clock, cents
from hub.demo.divisions import Division
from hub.demo.numbers import Numbers, food_licence
from hub.demo.places import Places
from hub.demo.rows import Company, Licence, Person

IN_BUSINESS = "存续"
_STATUS, _STATUS_SHARES = (IN_BUSINESS, "注销", "吊销", "迁出"), (82, 12, 4, 2)
_FIRST, _SECOND = "黔筑林云山湖金石青南明清溪甲秀乌江红枫百花", "诚丰达盛瑞和通源泰兴安宏远景恒宇德顺嘉创"
_TRADES = ("科技", "商贸", "建筑工程", "物流", "信息技术", "食品", "餐饮管理", "农业开发", "文化传媒", "医药", "物业服务", "汽车服务", "教育咨询", "环保")
_SHOPS = ("肠旺面馆", "酸汤鱼店", "小吃店", "便利店", "水果店", "烘焙坊", "茶叶店", "五金店", "理发店", "花店")
_CATEGORIES = {1: "食品销售经营者", 2: "餐饮服务经营者", 3: "单位食堂"}
_CAPITAL = (10, 30, 50, 100, 200, 300, 500, 1000, 2000, 5000)


def draw_companies(rng: Random, numbers: Numbers, adults: Sequence[Person], count: int) -> list[Company]:
    """Companies whose legal representatives are residents and of age on the day of registration."""
    places, clock = Places(rng), Clock(rng)
    return [_company(rng, numbers, clock, places.district(), rng.choice(adults), serial) for serial in range(1, count + 1)]


def _company(rng: Random, numbers: Numbers, clock: Clock, district: Division, representative: Person, serial: int) -> Company:
    sole_trader = rng.random() < 0.3
    registered = clock.day(max(representative.birth_date + timedelta(days=19 * 366), date(2000, 1, 1)))
    return Company(
        serial,
        numbers.company(district.code, "2" if sole_trader else "1"),
        _shop(rng, district, serial) if sole_trader else _firm(rng, serial),
        representative.id_number,
        rng.choices(_STATUS, _STATUS_SHARES)[0],
        registered,
        cents(rng.choice(_CAPITAL[:3] if sole_trader else _CAPITAL) * 1_000_000),
        district.code,
        clock.moment(registered),
    )


def _firm(rng: Random, serial: int) -> str:
    return f"贵阳{_brand(rng, serial)}{rng.choice(_TRADES)}有限公司"


def _shop(rng: Random, district: Division, serial: int) -> str:
    return f"贵阳市{district.name}{_brand(rng, serial)}{rng.choice(_SHOPS)}（个体工商户）"


def _brand(rng: Random, serial: int) -> str:
    # Two characters repeat often in a city of thousands of companies; a third, by serial, tells most of them apart.
    return rng.choice(_FIRST) + rng.choice(_SECOND) + _SECOND[serial % len(_SECOND)]


def draw_licences(rng: Random, companies: Sequence[Company]) -> list[Licence]:
    """Food licences of about a quarter of the companies; each is valid for five years."""
    places, clock = Places(rng), Clock(rng)
    districts = {district.code: district for district in places.districts}
    holders = [company for company in companies if company.status == IN_BUSINESS and rng.random() < 0.3]
    return [_licence(rng, places, clock, districts[company.district], company, serial) for serial, company in enumerate(holders, start=1)]


def _licence(rng: Random, places: Places, clock: Clock, district: Division, company: Company, serial: int) -> Licence:
    category = rng.choices((1, 2, 3), (45, 50, 5))[0]
    issued = clock.day(max(company.registered_on, date(2018, 1, 1)))
    valid_to = issued + timedelta(days=5 * 365)
    return Licence(
        serial,
        food_licence(category, district.code, serial),
        company.uscc,
        _CATEGORIES[category],
        places.street(district),
        issued,
        valid_to,
        "有效" if valid_to >= AS_OF else "过期",
        district.code,
        clock.moment(issued),
    )
