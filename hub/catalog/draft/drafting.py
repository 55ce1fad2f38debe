"""Drafts a department's manifest from one live source."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.selection import Kind
from connectors.spi import ObjectDescription, Source
from hub.catalog.build import build_snapshot
from hub.catalog.checks import check_manifest
from hub.catalog.draft.keys import NoKey, stable_key
from hub.catalog.draft.links import Target, link
from hub.catalog.draft.naming import ResourceNames
from hub.catalog.draft.parts import Report, Resource
from hub.catalog.draft.places import called, what
from hub.catalog.draft.resources import draft_resource
from hub.catalog.draft.sampling import CannotRead, sample
from hub.catalog.draft.writing import HEADING, write_department, write_resource, write_source
from hub.catalog.links import check_links
from hub.catalog.manifest import OBJECT, DepartmentPart, Manifest, SourcePart, read_manifest
from hub.catalog.problems import Problem, Refused
from schema.model import Snapshot
from schema.naming import TYPE_SUFFIXES, type_name

_LONGEST_OBJECT = 200
_TABLE_REMEDY = "如需共享，请修复或授权 where it is to be shared, mend it or grant SELECT"
_FILE_REMEDY = (
    "如需共享，请由部门改名、修复或另存为可读的格式 where it is to be shared, have the department rename it, mend it or save it in a format that is read"
)
_COLUMN_REMEDY = "如需共享，请由部门提供转换后的视图列 where it is to be shared, have a view convert it"
_CELL_REMEDY = "如需共享，请由部门在每格中只写一个文本或数字 where it is to be shared, have the department write one text, or one number, in each place"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is drafted, and what is there already."""

    department: DepartmentPart
    source: str
    """The source's code within the department."""
    declared: SourcePart | None = None
    """Written into the draft where the source is not registered yet."""
    existing: str | None = None
    """The department's published manifest: the draft keeps it and adds to it, for an import replaces it."""
    published: Snapshot = field(default_factory=lambda: build_snapshot(0, [], {}, {}))
    only: Sequence[str] = ()
    """Patterns (``public.*``) of tables and views; none: all."""

    @property
    def kind(self) -> str:
        """The source's."""
        return self.declared.kind if self.declared else self.published.sources[f"{self.department.code}.{self.source}"].kind


@dataclass(frozen=True, slots=True)
class Draft:
    """``problems``: what an import would still refuse; none but where the draft outgrows a manifest."""

    text: str
    report: Report
    problems: Sequence[Problem] = ()


async def draft(source: Source, wanted: Wanted) -> Draft:
    """Reads what the source holds, looks at a sample of each table and view, and writes the manifest.

    Raises:
        SourceFault: the source cannot list what it holds, or cannot be reached.
    """
    report = Report()
    before = read_manifest(wanted.existing) if wanted.existing else None
    names = _names(wanted, before)
    bound = _bound(wanted, before)
    resources = [each async for each in _resources(source, wanted, names, bound, report)]
    link(wanted.department.code, resources, bound, report)
    for resource in resources:
        _tell(resource, wanted.kind, report)
    text = _text(wanted, resources)
    return Draft(text, report, _problems(text, wanted))


async def _resources(source: Source, wanted: Wanted, names: ResourceNames, bound: Mapping[str, Target], report: Report) -> AsyncIterator[Resource]:
    for described in await source.objects():
        place = described.binding.object
        if wanted.only and not any(fnmatch.fnmatchcase(place, pattern) for pattern in wanted.only):
            continue
        if reason := _unfit(described, wanted.kind):
            report.leave_out(place, *reason)
        elif place in bound:
            report.notes.append(f"{place}: 已在目录中 is in the catalog already, as {bound[place].code}")
        elif resource := await _resource(source, described, wanted, names, report):
            yield resource


def _unfit(described: ObjectDescription, kind: str) -> tuple[str, str] | None:
    if described.unreadable:
        return f"无法读取 cannot be read: {described.unreadable}", _FILE_REMEDY if kind == "files" else _TABLE_REMEDY
    if len(described.binding.object) > _LONGEST_OBJECT or not re.match(OBJECT, described.binding.object):
        return "名称不能写入清单 a manifest cannot hold its name", "请由部门提供另名的视图 have the department offer a view of another name"
    return None


async def _resource(source: Source, described: ObjectDescription, wanted: Wanted, names: ResourceNames, report: Report) -> Resource | None:
    place = described.binding.object
    try:
        seen = await sample(source, described)
    except CannotRead as fault:
        report.leave_out(place, f"无法读取 cannot be read: {fault}", "请核对账号权限与视图定义 check the account's rights and the view's definition")
        return None
    if seen.fault:
        report.notes.append(f"{place}: {seen.fault}")
    key = stable_key(described, seen, declared=wanted.kind != "files")
    if isinstance(key, NoKey):
        report.leave_out(place, key.reason, key.remedy)
        return None
    schema, name = called(place, wanted.kind)
    resource = draft_resource(described, name, key, seen)
    resource.description = resource.description or what(described, wanted.kind)
    if not resource.items:
        report.leave_out(place, "没有可列入的列 none of its columns can be an item", "请由部门提供视图 have the department offer a view")
        return None
    resource.code, resource.plural = names.take(name, schema)
    return resource


def _names(wanted: Wanted, before: Manifest | None) -> ResourceNames:
    owner = wanted.department.code
    others = [code for code in wanted.published.resources if not code.startswith(f"{owner}.")]
    types = [f"{type_name(code)}{suffix}" for code in others for suffix in TYPE_SUFFIXES]
    return ResourceNames(owner, [(part.code, part.plural) for part in before.resources] if before else (), types)


def _bound(wanted: Wanted, before: Manifest | None) -> dict[str, Target]:
    owner = wanted.department.code
    return {
        part.object: Target(f"{owner}.{part.code}", {item.column: (item.code, Kind(item.type)) for item in part.items if item.code in part.identifiers})
        for part in (before.resources if before else ())
        if part.source == wanted.source and part.object
    }


def _tell(resource: Resource, kind: str, report: Report) -> None:
    place = resource.described.binding.object
    links = [f"{each.field} → {each.to}" for each in resource.links]
    counted = {"items": len(resource.items), "identifiers": resource.identifiers, "links": links}
    report.resources.append({"object": place, "code": resource.code, **counted})
    for column, reason in resource.left_out:
        report.leave_out(f"{place}.{column}", reason, _CELL_REMEDY if kind == "files" else _COLUMN_REMEDY)


def _text(wanted: Wanted, resources: Sequence[Resource]) -> str:
    return "\n".join([HEADING, *_before(wanted), *(write_resource(each, wanted.source, wanted.kind) for each in resources)])


def _before(wanted: Wanted) -> Iterator[str]:
    if wanted.existing:
        yield wanted.existing.rstrip() + "\n"
    else:
        yield write_department(wanted.department)
    if wanted.declared:
        yield write_source(wanted.declared)


def _problems(text: str, wanted: Wanted) -> Sequence[Problem]:
    try:
        manifest = read_manifest(text)
    except Refused as refused:
        return refused.problems
    found = check_manifest(manifest, text)
    return found if wanted.declared else found + check_links(manifest, text, wanted.published)
