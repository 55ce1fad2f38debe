"""The word lists and bounds behind the rules, shared by every implementation so that they cannot drift apart."""

from __future__ import annotations

UNFIT = "[\0\ud800-\udfff]"
"""What a text may not have to be masked, as a regular expression: NUL, where some databases end a text, and lone surrogates, which no answer carries."""

BLANK = " "
"""What sources pad texts with, as PostgreSQL's ``char(n)``: at the ends of a text it does not count when its share is measured."""

STAR_LIMIT = 64
"""The most stars one masked run shows, so that a long text does not tell its length."""

STARS = "*" * STAR_LIMIT

FIXED_STARS = 6
"""The stars of every run under a rule of fixed length."""

# fmt: off
COMPOUND_SURNAMES = (
    "欧阳", "太史", "端木", "上官", "司马", "东方", "独孤", "南宫", "万俟", "闻人", "夏侯", "诸葛", "尉迟", "公羊",
    "赫连", "澹台", "皇甫", "宗政", "濮阳", "公冶", "太叔", "申屠", "公孙", "慕容", "仲孙", "钟离", "长孙", "宇文",
    "司徒", "鲜于", "司空", "令狐", "闾丘", "子车", "亓官", "司寇", "巫马", "公西", "颛孙", "壤驷", "公良", "漆雕",
    "乐正", "宰父", "谷梁", "拓跋", "夹谷", "轩辕", "百里", "呼延", "东郭", "南门", "羊舌", "微生", "左丘", "西门",
    "第五", "梁丘", "贺兰",
)
# fmt: on
"""Compound surnames 复姓 of the Hundred Family Surnames and those in use besides."""

ADDRESS_HEAD = 20
"""Characters of an address in which its district must end."""

NAME_END = "**"
ADDRESS_END = "****"
EMAIL_STARS = "***"

MOBILE_HEAD, PHONE_TAIL = 3, 4
"""Shown of a telephone number; of a landline's, which begins with 0, the area code is shown before the tail."""
AREA_CODE, SHORT_AREA_CODE = 4, 3
SHORT_AREA_SECOND = ("1", "2")
"""Area codes of the biggest cities have three digits: 010, and 020 to 029."""

NUMBER_LIMIT = 10**18
"""Numbers from here on, on both sides of zero, are withheld: below it every database computes exactly."""

MOMENT_LENGTHS = (25, 32)
"""Characters of a moment in UTC, ``2026-11-22T08:00:00+00:00``, without a fraction and with one of six digits."""
YEAR_START, MOMENT_START = "-01-01", "T00:00:00+00:00"
UTC_END = "+00:00"

DIVISION = "区"
CITY = "市"

DIVISION_REWRITES = (("自治区", "自治_"), ("行政区", "行政_"), ("地区", "地_"), ("县", DIVISION), ("旗", DIVISION))
"""Replacements of equal length, in this order, after which the first ``区`` of an address ends its county-level division."""

ROAD = "路"
ROAD_REWRITES = (("路南区", "_南区"), ("路北区", "_北区"), ("路桥区", "_桥区"))
"""Districts that are named after a road, out of the way before a road is looked for."""

STOPS = ("大道", "花园", "胡同", "市场", "街", "巷", "弄", "村", "苑", "栋", "幢", "号")
"""Words of streets and estates: with the first of them, or a road, the division part is over. No county-level division's name has one."""

NO_DIVISION_AFTER = "小社园校厂库景市宅墅发业院片军一二三四五六七八九十"
"""``区`` after one of these is an estate, a campus, a zone: no division (小区 社区 园区 … 住宅区 开发区, 一区). 市区 says no district either."""

NO_CITY_AFTER = "超夜菜"
"""``市`` after one of these is a market (超市 夜市 菜市)."""

IDEOGRAPHS = ("一", "龥")
"""First and last of the ideographs that a division's name is written with; a letter or digit before ``区`` numbers a building's zone."""
