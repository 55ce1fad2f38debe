"""Versions of the departments' own masking rules: one code and version is one rule for ever, as the ledger names rules by both."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from hub.catalog.manifest import Manifest, MaskRulePart
from hub.catalog.mask_rules import content_of
from hub.catalog.problems import Lines, Problem
from hub.catalog.tables import mask_rule


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One published version of a rule; ``content`` is JSON, ``manifest`` the import by which it came."""

    department: str
    code: str
    version: int
    content: str
    manifest: int


def rule_versions(connection: Connection, department: str | None = None) -> list[RuleVersion]:
    """Every version ever published, of one department or of all, the newest of a rule last."""
    statement = select(mask_rule).order_by(mask_rule.c.department, mask_rule.c.code, mask_rule.c.version)
    if department is not None:
        statement = statement.where(mask_rule.c.department == department)
    return [RuleVersion(*row) for row in connection.execute(statement)]


def version_problems(connection: Connection, manifest: Manifest, text: str) -> list[Problem]:
    """Declarations whose version is lower than one published, or stands for another rule already."""
    if not manifest.masks:
        return []
    published: dict[str, dict[int, str]] = {}
    for row in rule_versions(connection, manifest.department.code):
        published.setdefault(row.code, {})[row.version] = row.content
    lines = Lines(text)
    found = ((f"masks[{i}].version", _fault(part, published.get(part.code, {}))) for i, part in enumerate(manifest.masks))
    return [Problem("MASK_VERSION", fault[0], fault[1], path, lines.line(path)) for path, fault in found if fault]


def _fault(part: MaskRulePart, published: dict[int, str]) -> tuple[str, str] | None:
    newest = max(published, default=0)
    same = published.get(newest) == content_of(part)
    remedy = f"version = {newest if same else newest + 1}"
    if part.version < newest:
        return f"{part.code} 的版本 {part.version} 低于已发布的版本 {newest} version {part.version} is lower than the published version {newest}", remedy
    if part.version == newest and not same:
        message = f"{part.code} 的规则已变更，版本 {part.version} 却与已发布的版本 {newest} 相同"
        return f"{message} the rule has changed, and its version {part.version} is the published version {newest} still", remedy
    return None


def keep_versions(connection: Connection, manifest: Manifest, manifest_id: int) -> None:
    """Records the versions that a publication brings; those that are known already have the same content."""
    owner = manifest.department.code
    known = {(row.code, row.version) for row in rule_versions(connection, owner)} if manifest.masks else set()
    for part in manifest.masks:
        if (part.code, part.version) not in known:
            values = {"department": owner, "code": part.code, "version": part.version, "content": content_of(part), "manifest": manifest_id}
            connection.execute(insert(mask_rule).values(**values))
