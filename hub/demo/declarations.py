"""Who takes part in the demonstration: departments and applications. What they are granted is in :mod:`hub.demo.grants`.

These are declarations only; departments, applications and grants come into being through the hub's own services.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from auth.rights import Purpose

UNCONDITIONAL = ("query:unconditional", "verify:unconditional", "exchange:unconditional")


@dataclass(frozen=True, slots=True)
class Department:
    """A department to be registered. ``tier`` as in a manifest."""

    code: str
    name: str
    name_en: str
    uscc: str
    tier: str = "city"


@dataclass(frozen=True, slots=True)
class Application:
    """An application to be registered, and how the demonstration presents it."""

    code: str
    department: str
    name: str
    name_en: str
    scopes: tuple[str, ...]
    purposes: tuple[Purpose, ...]
    operator: str
    description: str
    row_condition: dict[str, object] | None = field(default=None)
    """The row condition of its grants, for those who read the credentials; the grants themselves decide."""


DEPARTMENTS = (
    Department("city_data", "市大数据发展管理局", "Big Data Development Bureau", "11520100009392151C"),
    Department("civil_affairs", "市民政局", "Civil Affairs Bureau", "115201000093900013"),
    Department("market_regulation", "市市场监督管理局", "Market Regulation Bureau", "11520100009391036W"),
    Department("natural_resources", "市自然资源和规划局", "Natural Resources and Planning Bureau", "11520100009393277X"),
    Department("human_resources", "市人力资源和社会保障局", "Human Resources and Social Security Bureau", "11520100009394392D"),
    Department("housing", "市住房和城乡建设局", "Housing and Urban-Rural Development Bureau", "11520100009395416E"),
    Department("ecology", "市生态环境局", "Ecology and Environment Bureau", "11520100009397013W"),
    Department("water_supply", "市供水集团", "Water Supply Group", "91520100MA6DEM0C49", "utility"),
    Department("utility_bank", "示范银行", "Demonstration Bank", "91520100MA6DEM0B6E", "utility"),
)

HOUSING_ROWS: dict[str, object] = {"district": {"eq": "520102"}}
HOUSING_REVIEW = Purpose("housing-eligibility", "公共租赁住房申请资格审核", "公共租赁住房管理办法（住房和城乡建设部令第11号）")
OWN_DUTIES = Purpose("own-duties", "民政业务办理", "个人信息保护法第三十四条")
ACCOUNT_OPENING = Purpose("account-opening", "对公账户开户审核", "人民币银行结算账户管理办法")
ADMINISTRATION = Purpose("hub-administration", "共享平台管理", "贵阳市政府数据共享开放条例")

_HOUSING_SCOPES = (
    *UNCONDITIONAL,
    *(f"{operation}:civil_affairs.person" for operation in ("query", "verify", "exchange")),
    "query:civil_affairs.household",
    "exchange:civil_affairs.household",
    "query:natural_resources.real_estate",
    "verify:natural_resources.real_estate",
    "query:human_resources.social_insurance",
    "verify:human_resources.social_insurance",
    "query:water_supply.account",
    "verify:water_supply.account",
    "query:water_supply.reading",
)
_OWN_SCOPES = (*UNCONDITIONAL, *(f"{o}:civil_affairs.{r}" for o in ("query", "verify", "exchange") for r in ("person", "household")))

APPLICATIONS = (
    Application(
        "housing",
        "housing",
        "公租房资格审核系统",
        "Public rental housing, eligibility review",
        _HOUSING_SCOPES,
        (HOUSING_REVIEW,),
        "住房保障处 韩雪",
        "市住房和城乡建设局；只见南明区（520102）的人员，证件号、电话、住址脱敏 Sees people of district 520102 only, partly masked",
        HOUSING_ROWS,
    ),
    Application(
        "bank",
        "utility_bank",
        "对公开户审核系统",
        "Account opening",
        UNCONDITIONAL,
        (ACCOUNT_OPENING,),
        "营业部 罗凯",
        "示范银行；无有条件共享资源的授权 Holds no grant on any conditional resource",
    ),
    Application(
        "civil_affairs_own",
        "civil_affairs",
        "民政业务系统",
        "Civil affairs, own systems",
        _OWN_SCOPES,
        (OWN_DUTIES,),
        "社会事务处 龙芳",
        "市民政局查用本局数据，全部明文 The bureau reads its own data, all in clear",
    ),
    Application(
        "system_admin",
        "city_data",
        "系统管理员",
        "System administrator",
        ("governance:system",),
        (ADMINISTRATION,),
        "运维处 任磊",
        "三员之一：部门、应用、数据源 Departments, applications, sources",
    ),
    Application(
        "security_admin",
        "city_data",
        "安全管理员",
        "Security administrator",
        ("governance:security",),
        (ADMINISTRATION,),
        "安全处 杜敏",
        "三员之一：目录审核与发布、授权 Catalog review and publication, grants",
    ),
    Application(
        "audit_admin",
        "city_data",
        "审计管理员",
        "Audit administrator",
        ("governance:audit",),
        (ADMINISTRATION,),
        "审计处 姚辉",
        "三员之一：调用日志 The ledger",
    ),
    Application(
        "steward",
        "city_data",
        "数据管家",
        "Data steward",
        ("governance:catalog",),
        (ADMINISTRATION,),
        "目录处 夏燕",
        "编目：导入部门资源目录 Imports the departments' manifests",
    ),
)
