"""What people are told of roles on pages."""

from __future__ import annotations

from collections.abc import Collection

from hub.catalog.scopes import AUDIT, CATALOG, OWNER, SECURITY, STEWARD, SYSTEM

_MEANINGS = {
    SYSTEM: "系统管理员 system administrator",
    SECURITY: "安全管理员 security administrator",
    AUDIT: "审计管理员 audit administrator",
    CATALOG: "目录管理员 catalog editor",
    STEWARD: "部门数据管理员 data steward",
    OWNER: "应用负责人 application owner",
}


def told(scopes: Collection[str]) -> list[dict[str, str]]:
    """Each scope with its meaning, in order; other scopes than roles speak for themselves."""
    return [{"code": scope, "meaning": _MEANINGS.get(scope, "")} for scope in sorted(scopes)]
