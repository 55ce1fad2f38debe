"""A made-up catalog of any size, and a home that has it published already."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert
from stdnum.cn import uscc

from hub.acts import bump
from hub.catalog.checks import check_manifest
from hub.catalog.forms import form_of
from hub.catalog.manifest import read_manifest
from hub.catalog.tables import department, manifest, snapshot
from hub.core import Core
from hub.store.base import now

_TYPES = ("string", "string", "string", "date", "bigint", "string", "decimal", "integer", "string", "datetime")
_WORDS = ("编号", "名称", "地址", "日期", "数量", "状态", "金额", "等级", "备注", "时间")


@dataclass(frozen=True)
class Size:
    """Departments × resources of each × items of each."""

    departments: int
    resources: int
    items: int = 20

    @property
    def total(self) -> int:
        """How many resources there are."""
        return self.departments * self.resources


def department_code(number: int) -> str:
    """``bureau_a12``: of the department with this number."""
    return f"bureau_a{number}"


def manifest_text(size: Size, number: int, folder: Path, note: str = "") -> str:
    """A department's manifest. Its resources link to the first department and to one that lies anywhere: chains of links run through the whole city."""
    code = department_code(number)
    base = f"52010000{number:08d}9"[:17]
    head = [
        "[department]",
        f'code = "{code}"',
        f'name = "第{number}局"',
        f'name_en = "Bureau {number}"',
        f'uscc = "{base}{uscc.calc_check_digit(base)}"',
        "[[sources]]",
        'code = "db"',
        'kind = "sql"',
        f'url = "sqlite:///{folder / f"{code}.db"}"',
    ]
    return "\n".join([*head, *(line for i in range(size.resources) for line in _resource(size, number, i, note))]) + "\n"


def _resource(size: Size, number: int, i: int, note: str) -> list[str]:
    conditional = i % 3 == 2
    lines = [
        "[[resources]]",
        f'code = "register_b{i}"',
        f'plural = "register_b{i}_list"',
        f'name = "第{number}局登记{i}{note}"',
        f'name_en = "Register {i} of bureau {number}"',
        f'description = "第{number}局第{i}号登记簿的基本信息，按月核对"',
        'classification = "307026"',
        'level = "INTERNAL"' if conditional else 'level = "PUBLIC"',
        f'sharing_class = "{"CONDITIONAL" if conditional else "UNCONDITIONAL"}"',
        'legal_basis = ["政务数据共享条例"]',
        f'open_class = "{"CLOSED" if i % 3 else "OPEN"}"',
        'update_cycle = "daily"',
        'operations = ["QUERY", "VERIFY", "EXCHANGE"]',
        'service_methods = ["INTERFACE", "TABLE"]',
        'source = "db"',
        f'object = "register_b{i}"',
        'identifiers = ["item_c0"]',
        'stable_key = "pk"',
    ]
    for n in range(size.items):
        lines += [
            "[[resources.items]]",
            f'code = "item_c{n}"',
            f'name = "登记{_WORDS[n % len(_WORDS)]}{n}"',
            f'name_en = "Item {n} of the register"',
            f'type = "{_TYPES[n % len(_TYPES)]}"',
            f'column = "item_c{n}"',
            f"filterable = {'true' if n % 2 == 0 else 'false'}",
        ]
        if n % 10 == 5:
            lines += ['marks = ["sensitive"]', 'mask = {share = "NAME", open = "DENY"}']
    far = (number * 7919 + i * 104729 + 1) % size.departments
    for field, other, target in (("first", 0, 0), ("other", far, (i + 1) % size.resources)):
        if other != number:
            lines += ["[[resources.links]]", f'field = "{field}_link"', 'item = "item_c1"', f'to = "{department_code(other)}.register_b{target}.item_c0"']
    return lines


def fill(core: Core, size: Size, folder: Path) -> None:
    """Puts the whole catalog into the control database as published, and rows behind its first two departments."""
    moment = now()
    with core.engine.begin() as connection:
        parts: dict[str, int] = {}
        for number in range(size.departments):
            text = manifest_text(size, number, folder)
            if number == 0:
                assert not check_manifest(read_manifest(text), text)
            code = department_code(number)
            lines = dict(line.split(" = ", 1) for line in text.splitlines()[1:5])
            known = {name: json.loads(lines[name]) for name in ("name", "name_en", "uscc")}
            connection.execute(insert(department).values(code=code, tier="city", created_at=moment, **known))
            values = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "imported_by": "a", "imported_at": moment, "reviewed_by": "b"}
            values["form"] = form_of(text) or ""
            added = connection.execute(insert(manifest).values(department=code, text=text, state="PUBLISHED", reviewed_at=moment, **values))
            parts[code] = int((added.inserted_primary_key or (0,))[0])
        connection.execute(insert(snapshot).values(number=1, manifests=json.dumps(parts), published_by="b", published_at=moment))
        bump(connection, "catalog")
    for number in range(min(2, size.departments)):
        _write_rows(folder / f"{department_code(number)}.db", size)


def _write_rows(path: Path, size: Size) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for i in range(size.resources):
            columns = ", ".join(f"item_c{n} {'INTEGER' if isinstance(_value(n), int) else 'TEXT'}" for n in range(size.items))
            connection.execute(f"CREATE TABLE register_b{i} (pk INTEGER PRIMARY KEY, {columns})")
            row = [_value(n) for n in range(size.items)]
            connection.execute(f"INSERT INTO register_b{i} VALUES (1, {', '.join('?' for _ in row)})", row)


def _value(n: int) -> str | int:
    return {"string": f"k{n}", "date": "2026-01-01", "decimal": "1.5", "datetime": "2026-01-01T00:00:00+00:00"}.get(_TYPES[n % len(_TYPES)], n)
