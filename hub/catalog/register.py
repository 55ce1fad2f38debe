"""The register of departments, and of sources apart from manifests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select, update
from stdnum.cn import uscc

from hub.acts import Actor, Acts, bump
from hub.catalog.manifest import DepartmentPart, SourcePart
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import SECURITY, SYSTEM
from hub.catalog.source_checks import source_problems
from hub.catalog.source_use import uses_of
from hub.catalog.tables import department, source
from hub.names import UNSEEN_IN_NAME, is_seen
from hub.store.base import now
from schema.model import Department


class Register:
    """Acts on departments and on sources of their own. Every method may raise :class:`Refused`; then nothing was changed."""

    def __init__(self, acts: Acts, home: Path) -> None:
        self._acts = acts
        self._home = home

    def create_department(self, actor: Actor, **given: Any) -> Department:
        """Registers a department."""
        self._need(actor, "createDepartment", str(given.get("code")), SYSTEM)
        part = self._part(actor, "createDepartment", DepartmentPart, given)
        for path, name in (("name", part.name), ("nameEn", part.name_en)):
            if not is_seen(name):
                self._refuse(actor, "createDepartment", part.code, Problem("BAD_INPUT", UNSEEN_IN_NAME, "请去除 remove them", path))
        if not uscc.is_valid(part.uscc):
            self._refuse(
                actor,
                "createDepartment",
                part.code,
                Problem(
                    "USCC_INVALID",
                    f"统一社会信用代码无效 not valid: {part.uscc}",
                    "18 位，末位为校验码 18 characters, the last of which checks the others (GB 32100)",
                    "uscc",
                ),
            )

        def work(connection: Connection) -> Department:
            if connection.execute(select(department.c.code).where(department.c.code == part.code)).first():
                raise Refused(Problem("CONFLICT", f"部门 {part.code} 已存在 exists already", "请换用其他代码 choose another code", "code"))
            connection.execute(insert(department).values(**part.model_dump(), created_at=now()))
            return Department(**part.model_dump())

        return self._acts.do(actor, "createDepartment", part.code, work)

    def set_department_active(self, actor: Actor, code: str, active: bool) -> str:
        """Takes a department out of use, or into use again: out of use, tokens of its applications and people stop working at once. Not one's own."""
        act = "enableDepartment" if active else "disableDepartment"
        self._need(actor, act, code, SYSTEM, SECURITY)
        if actor.department == code:
            message = "不得停用或启用本人所属部门 nobody takes the own department out of use or into use"
            self._refuse(actor, act, code, Problem("FOUR_EYES", message, "请由其他部门的管理员办理 let an administrator of another department do it", "code"))

        def work(connection: Connection) -> str:
            _known_department(connection, code)
            connection.execute(update(department).where(department.c.code == code).values(active=active))
            bump(connection, "rights")
            return code

        return self._acts.do(actor, act, code, work)

    def register_source(self, actor: Actor, owner: str, replace: bool = False, **given: Any) -> str:
        """Registers a source apart from a manifest; its code is ``department.source``.

        With ``replace`` it takes the place of the one registered under that code, whole: what is not given has its default. One in use keeps
        its kind.
        """
        target = f"{owner}.{given.get('code')}"
        self._need(actor, "registerSource", target, SYSTEM)
        part = self._part(actor, "registerSource", SourcePart, given)
        if problems := source_problems(part, self._home):
            self._refuse(actor, "registerSource", target, *problems)

        def work(connection: Connection) -> str:
            _known_department(connection, owner)
            (_replace if replace else _add)(connection, owner, part)
            bump(connection, "catalog")
            return target

        return self._acts.do(actor, "registerSource", target, work, {"replace": True} if replace else None)

    def remove_source(self, actor: Actor, owner: str, code: str) -> str:
        """Takes a registered source out; not while a published resource, or one that waits for review or publication, is read from it."""
        target = f"{owner}.{code}"
        self._need(actor, "removeSource", target, SYSTEM)

        def work(connection: Connection) -> str:
            _registered(connection, owner, code)
            if uses := uses_of(connection, owner, code):
                raise Refused(*(Problem("SOURCE_IN_USE", f"数据源 {target} 正在使用 is in use: {each.text}", each.remedy, "code") for each in uses))
            connection.execute(delete(source).where(source.c.code == target))
            bump(connection, "catalog")
            return target

        return self._acts.do(actor, "removeSource", target, work)

    def _part(self, actor: Actor, act: str, kind: Any, given: Mapping[str, Any]) -> Any:
        try:
            return kind.model_validate({name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            problems = [Problem("BAD_INPUT", f"取值不正确 not usable: {e['msg']}", "", ".".join(map(str, e["loc"]))) for e in error.errors()]
            self._acts.refuse(actor, act, str(given.get("code")), problems[0])
            raise Refused(*problems) from None

    def _need(self, actor: Actor, act: str, target: str, *scopes: str) -> None:
        if not actor.may(*scopes):
            self._refuse(actor, act, target, forbidden(" / ".join(scopes)))

    def _refuse(self, actor: Actor, act: str, target: str, *problems: Problem) -> None:
        self._acts.refuse(actor, act, target, problems[0])
        raise Refused(*problems)


def forbidden(scopes: str) -> Problem:
    """The actor lacks these roles."""
    return Problem("FORBIDDEN", f"需要权限 this act needs {scopes}", "请使用具有该角色的账号 use an account that has this role")


def _known_department(connection: Connection, code: str) -> None:
    if not connection.execute(select(department.c.code).where(department.c.code == code)).first():
        raise Refused(
            Problem("NOT_FOUND", f"没有部门 no department {code}", "请先 createDepartment 或导入清单 create it first, or import its manifest", "department")
        )


def _add(connection: Connection, owner: str, part: SourcePart) -> None:
    target = f"{owner}.{part.code}"
    if connection.execute(select(source.c.code).where(source.c.code == target)).first():
        hint = "请换用其他代码，或以 replace 替换 choose another code, or replace it: --replace, replace: true"
        raise Refused(Problem("CONFLICT", f"数据源 {target} 已存在 exists already", hint, "code"))
    connection.execute(insert(source).values(code=target, department=owner, config=part.model_dump_json(), registered_at=now()))


def _replace(connection: Connection, owner: str, part: SourcePart) -> None:
    target, before = f"{owner}.{part.code}", _registered(connection, owner, part.code)
    if part.kind != before.kind and (uses := uses_of(connection, owner, part.code)):
        message = f"使用中的数据源 {target} 不改类型 does not change its kind from {before.kind} while in use"
        raise Refused(*(Problem("SOURCE_IN_USE", f"{message}: {each.text}", each.remedy, "kind") for each in uses))
    connection.execute(update(source).where(source.c.code == target).values(config=part.model_dump_json()))


def _registered(connection: Connection, owner: str, code: str) -> SourcePart:
    found = connection.execute(select(source.c.config).where(source.c.code == f"{owner}.{code}")).first()
    if found is None:
        known = ", ".join(connection.execute(select(source.c.code).order_by(source.c.code).limit(20)).scalars()) or "-"
        hint = f"清单中的数据源请经清单更改 a manifest's source is changed by its manifest; 单独登记的 registered apart: {known}"
        raise Refused(Problem("NOT_FOUND", f"没有单独登记的数据源 no source {owner[:60]}.{code[:60]} is registered apart", hint, "code"))
    return SourcePart.model_validate_json(found.config)
