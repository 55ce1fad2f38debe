"""The parties of the made-up year, registered: departments, resources, applications, grants, requests and feedback."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert
from stdnum.cn import uscc

from hub.acts import bump
from hub.catalog.checks import check_manifest
from hub.catalog.forms import form_of
from hub.catalog.manifest import read_manifest
from hub.catalog.tables import department as departments
from hub.catalog.tables import manifest, snapshot
from hub.core import Core
from hub.feedback.tables import feedback_case
from hub.sharing.tables import access_request, grant, step
from hub.sharing.tables import application as applications
from tests.scale.year import APPLICATIONS, DEPARTMENTS, FIRST_DAY, PURPOSES, RESOURCES_EACH, Pair, Year, application, department, resource

NAMES = [
    "民政局",
    "公安局",
    "住房和城乡建设局",
    "人力资源和社会保障局",
    "市场监督管理局",
    "自然资源和规划局",
    "教育局",
    "卫生健康委员会",
    "医疗保障局",
    "税务局",
    "住房公积金管理中心",
    "退役军人事务局",
    "残疾人联合会",
    "交通运输局",
    "生态环境局",
    "农业农村局",
    "水务局",
    "应急管理局",
    "文化和旅游局",
    "司法局",
    "财政局",
    "审计局",
    "统计局",
    "发展和改革委员会",
    "工业和信息化局",
    "科学技术局",
    "商务局",
    "国有资产监督管理委员会",
    "林业局",
    "城市管理局",
    "气象局",
    "海关",
    "人民银行分行",
    "法院",
    "检察院",
    "总工会",
    "妇女联合会",
    "共青团委员会",
    "红十字会",
    "档案馆",
    "数据局",
    "政务服务中心",
    "信访局",
    "机关事务管理局",
    "地方金融管理局",
    "体育局",
    "乡村振兴局",
    "投资促进局",
    "消防救援支队",
    "邮政管理局",
    "烟草专卖局",
    "供电公司",
    "供水集团",
    "燃气集团",
    "公交集团",
    "地铁集团",
    "高新技术产业开发区管理委员会",
    "综合保税区管理委员会",
    "公共资源交易中心",
    "不动产登记中心",
]
_REGISTERS = ("基本信息", "资格名录", "许可登记", "缴纳记录", "业务办理结果")
_TASKS = ("业务审批系统", "一网通办", "资格核验平台", "综合受理窗口")
_TERMS = json.dumps(
    {
        "operations": [],
        "items": [],
        "rows": None,
        "purposes": [],
        "per_claim": False,
        "discloses_existence": False,
        "page_limit": 100,
        "quota": None,
        "documents": [],
    }
)
_UNUSED = 45
"""Grants that nobody uses."""
_REQUESTS, _FEEDBACK = 900, 400


def register(core: Core, year: Year) -> None:
    """Puts the city into the control database."""
    draw = random.Random(7)
    with core.engine.begin() as connection:
        _departments(connection)
        connection.execute(insert(applications), [_application(n) for n in range(APPLICATIONS)])
        for pair in year.pairs:
            _grant(connection, pair)
        for n in range(_UNUSED):
            _grant(connection, Pair(draw.randrange(APPLICATIONS), draw.randrange(300), f"unused-{n:03}", 0), draw.randrange(0, 250))
        for n in range(_REQUESTS):
            _request(connection, n, draw)
        connection.execute(insert(feedback_case), [_feedback(n, draw) for n in range(_FEEDBACK)])
        for name in ("catalog", "rights"):
            bump(connection, name)


def _departments(connection: Connection) -> None:
    parts: dict[str, int] = {}
    for number in range(DEPARTMENTS):
        text, code = _manifest(number), department(number)
        if number == 0:
            assert not check_manifest(read_manifest(text), text)
        said = json.loads(text.split("\n", 1)[0].removeprefix("# "))
        connection.execute(insert(departments).values(code=code, tier="city", created_at=FIRST_DAY, **said))
        values = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "imported_by": "a", "imported_at": FIRST_DAY, "reviewed_by": "b"}
        added = connection.execute(
            insert(manifest).values(department=code, text=text, state="PUBLISHED", reviewed_at=FIRST_DAY, form=form_of(text) or "", **values)
        )
        parts[code] = int((added.inserted_primary_key or (0,))[0])
    connection.execute(insert(snapshot).values(number=1, manifests=json.dumps(parts), published_by="b", published_at=FIRST_DAY))


def _manifest(number: int) -> str:
    base = f"52010000{number:08d}9"[:17]
    said = {"name": NAMES[number], "name_en": f"Department {number}", "uscc": base + uscc.calc_check_digit(base)}
    head = [f"# {json.dumps(said)}", "[department]", f'code = "{department(number)}"', *(f'{key} = "{value}"' for key, value in said.items())]
    head += ["[[sources]]", 'code = "db"', 'kind = "sql"', f'url = "sqlite:///{department(number)}.db"']
    return "\n".join([*head, *(line for n in range(RESOURCES_EACH) for line in _resource(number, n))]) + "\n"


def _resource(number: int, n: int) -> list[str]:
    return [
        "[[resources]]",
        f'code = "r{n}"',
        f'plural = "r{n}_list"',
        f'name = "{NAMES[number]}{_REGISTERS[n]}"',
        f'name_en = "Register {n} of department {number}"',
        f'description = "{NAMES[number]}{_REGISTERS[n]}，按月核对"',
        'classification = "307026"',
        'level = "INTERNAL"',
        'sharing_class = "CONDITIONAL"',
        'legal_basis = ["政务数据共享条例"]',
        'open_class = "CLOSED"',
        'update_cycle = "daily"',
        'operations = ["QUERY", "VERIFY", "EXCHANGE"]',
        'service_methods = ["INTERFACE", "TABLE"]',
        'source = "db"',
        f'object = "r{n}"',
        'identifiers = ["i0"]',
        'stable_key = "pk"',
        *(
            line
            for k in range(4)
            for line in ("[[resources.items]]", f'code = "i{k}"', f'name = "登记项{k}"', f'name_en = "Item {k}"', 'type = "string"', f'column = "i{k}"')
        ),
    ]


def _application(n: int) -> Mapping[str, Any]:
    owner, client = application(n)
    purposes = [{"code": code, "scenario": scenario, "basis": "政务数据共享条例第十八条"} for code, scenario in PURPOSES]
    name = f"{NAMES[int(owner.removeprefix('dept'))]}{_TASKS[n % len(_TASKS)]}{n}"
    told = {"name": name, "department": owner, "secret_hash": "-", "purposes": json.dumps(purposes)}
    return {"client_id": client, **told, "active": True, "created_at": FIRST_DAY}


def _case(number: str, pair: Pair, at: datetime) -> dict[str, Any]:
    consumer, client = application(pair.application)
    provider, code = resource(pair.resource)
    parties = {"application": client, "consumer": consumer, "provider": provider, "resource": code}
    term = {"answer": "answer_conditional", "term": "answer_conditional", "term_at": at, "due_on": "2025-01-01", "rule": "-"}
    return {"id": number, **parties, "terms": "{}", "origin": "RECORDED", "state": "GRANTED", **term, "filed_by": "a", "created_at": at, "changed_at": at}


def _grant(connection: Connection, pair: Pair, day: int = 0) -> None:
    begins = FIRST_DAY + timedelta(days=day)
    case = _case(f"recorded-{pair.grant}", pair, begins)
    connection.execute(insert(access_request).values(**case, grant=pair.grant))
    said = {"application": case["application"], "resource": case["resource"], "terms": _TERMS, "request": case["id"]}
    connection.execute(insert(grant).values(id=pair.grant, valid_from=begins, state="ACTIVE", approver="王五", created_by="a", created_at=begins, **said))


def _request(connection: Connection, n: int, draw: random.Random) -> None:
    at = FIRST_DAY + timedelta(days=draw.randrange(364), hours=10)
    pair = Pair(draw.randrange(APPLICATIONS), min(draw.randrange(300), draw.randrange(300)), "", 0)
    case = _case(f"request-{n:04}", pair, at) | {"state": "FILED", "origin": "REQUESTED"}
    connection.execute(insert(access_request).values(**case))
    careful = int(case["provider"].removeprefix("dept")) % 7
    taken = draw.choice((2, 4, 5, 6, 8, 9 + careful * 2)) if draw.random() > 0.02 else None
    steps = [("endorse", at), ("complete", at + timedelta(hours=5))] + ([("agree", at + timedelta(days=taken))] if taken else [])
    connection.execute(insert(step), [{"subject": case["id"], "number": k, "at": when, "actor": "a", "step": name} for k, (name, when) in enumerate(steps)])


def _feedback(n: int, draw: random.Random) -> Mapping[str, Any]:
    at = FIRST_DAY + timedelta(days=draw.randrange(364), hours=11)
    provider, code = resource(min(draw.randrange(300), draw.randrange(300)))
    due, took = at + timedelta(days=14), draw.choice((1, 3, 5, 8, 10, 12, 17))
    told = {"kind": "ERROR", "reporter": "APPLICATION", "consumer": application(n % APPLICATIONS)[0], "provider": provider, "resource": code}
    state = {"state": "ANSWERED", "term": "-", "term_at": at, "due_on": str(due.date()), "rule": "-", "received_at": at}
    answer = {"answered_at": at + timedelta(days=took), "answered_due_on": str(due.date()), "answered_by": "b", "outcome": "EXPLAINED"}
    return {"id": f"feedback-{n:04}", **told, "description": "-", "digest": "-", **state, **answer, "filed_by": "a", "created_at": at, "changed_at": at}
