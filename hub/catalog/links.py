"""Checks of a manifest against the rest of the published catalog: sources, links to other departments, names of types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hub.catalog.file_checks import lacks_file_part
from hub.catalog.manifest import Manifest
from hub.catalog.problems import Lines, Problem
from schema.model import Snapshot, joins
from schema.naming import TYPE_SUFFIXES, camel, pascal, type_name


def check_links(manifest: Manifest, text: str, published: Snapshot) -> list[Problem]:
    """Faults that only show beside what is published. A link to a department that has published nothing yet waits for it."""
    lines = Lines(text)
    found = [*_sources(manifest, published), *_ends(manifest, published), *_type_names(manifest, published)]
    return [replace(problem, line=lines.line(problem.path or "")) for problem in found]


def check_ends(manifest: Manifest, text: str, published: Snapshot) -> list[Problem]:
    """Links from and to the manifest's resources, once more before it is published: others may have published since it was imported."""
    lines = Lines(text)
    return [replace(problem, line=lines.line(problem.path or "")) for problem in _ends(manifest, published)]


def _ends(manifest: Manifest, published: Snapshot) -> Iterator[Problem]:
    yield from _targets(manifest, published)
    yield from _linked_here(manifest, published)


def _linked_here(manifest: Manifest, published: Snapshot) -> Iterator[Problem]:
    """A type that a link of another department leans on does not change under it. An identifier may be withdrawn: the link is gone with it."""
    owner = manifest.department.code
    ends = {
        (f"{owner}.{resource.code}", item.code): (f"resources[{i}].items[{j}].type", item.type)
        for i, resource in enumerate(manifest.resources)
        for j, item in enumerate(resource.items)
        if item.code in resource.identifiers
    }
    for other in published.resources.values():
        for link in other.links if other.department != owner else ():
            path, type_ = ends.get((link.to_resource, link.to_item), ("", ""))
            if path and joins(other, link, published.resources.get(link.to_resource)) and other.items[link.item].kind.value != type_:
                message = f"{other.code} 的链接 {link.field} 以 {link.item}({other.items[link.item].kind.value})指向本项 links to it by another type"
                hint = f"请先与 {other.department} 商定：由其先撤下该链接 agree with {other.department}, which has to take the link out first"
                yield Problem("LINK_TYPE", message, hint, path)


def _sources(manifest: Manifest, published: Snapshot) -> Iterator[Problem]:
    owner = manifest.department.code
    own_sources = {f"{owner}.{source.code}" for source in manifest.sources}
    known = own_sources | set(published.sources)
    apart = {code: config for code, config in published.sources.items() if code not in own_sources}
    for i, resource in enumerate(manifest.resources):
        if f"{owner}.{resource.source}" not in known:
            own = ", ".join(sorted(code.partition(".")[2] for code in known if code.startswith(f"{owner}.")))
            path = f"resources[{i}].source"
            yield Problem("UNKNOWN_SOURCE", f"没有数据源 no source {resource.source}", f"已有 known: {own}", path)
        elif lacks_file_part(apart.get(f"{owner}.{resource.source}"), resource):
            message = f"{resource.source} 为文件数据源 is a source of files"
            yield Problem("FILE_PART", message, "请写明 write [resources.file]", f"resources[{i}].file")


def _targets(manifest: Manifest, published: Snapshot) -> Iterator[Problem]:
    for i, resource in enumerate(manifest.resources):
        types = {item.code: item.type for item in resource.items}
        for j, link in enumerate(resource.links):
            department, code, item = link.to.split(".")
            if department == manifest.department.code or department not in published.by_department:
                continue
            path = f"resources[{i}].links[{j}].to"
            target = published.resources.get(f"{department}.{code}")
            if target is None or item not in target.identifiers:
                yield Problem("LINK_TARGET", f"{link.to} 不是已发布资源的标识 is no identifier of a published resource", "请核对 compare it", path)
            elif target.items[item].kind.value != types.get(link.item):
                yield Problem("LINK_TYPE", f"{link.to}:两端类型不同 the two ends differ in type", "请统一类型 make them alike", path)


def _type_names(manifest: Manifest, published: Snapshot) -> Iterator[Problem]:
    owner = manifest.department.code
    taken = {pascal(code): code for code in published.departments if code != owner}
    fields = {camel(code): code for code in published.departments if code != owner}
    for code in published.resources:
        if not code.startswith(f"{owner}."):
            taken |= {f"{type_name(code)}{suffix}": code for suffix in TYPE_SUFFIXES}
    if pascal(owner) in taken or camel(owner) in fields:
        yield Problem("NAME_TAKEN", f"部门代码 {owner} 与已有名称冲突 clashes with a name in use", "请换用其他代码 choose another code", "department.code")
    for i, resource in enumerate(manifest.resources):
        name = type_name(f"{owner}.{resource.code}")
        clash = next((taken[f"{name}{suffix}"] for suffix in TYPE_SUFFIXES if f"{name}{suffix}" in taken), None)
        if clash:
            yield Problem("NAME_TAKEN", f"类型名 {name} 与 {clash} 冲突 clashes", "请更改 code change the code", f"resources[{i}].code")
