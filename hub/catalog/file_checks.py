"""What a manifest must satisfy where it describes files."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from connectors.files.options import FolderOptions
from connectors.files.pattern import pattern_problem
from connectors.files.places import STORES, local_folder
from connectors.spi import SourceConfig
from hub.catalog.manifest import ResourcePart, SourcePart
from hub.catalog.problems import PYDANTIC_TEXTS, path_of

Found = Iterator[tuple[str, str, str, str]]
"""(code, path, message, hint)."""


def files_source(path: str, part: SourcePart) -> Found:
    """Address and options of a folder."""
    try:
        local_folder(part.url)
    except ValueError:
        yield "URL_INVALID", f"{path}.url", "不是目录地址 no folder's address", f"file:///absolute/path, {', '.join(f'{each}://' for each in STORES)}"
    try:
        FolderOptions.model_validate(part.options)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            message, hint = PYDANTIC_TEXTS.get(found["type"], (f"取值不正确 value is not usable: {found['msg']}", "请更正 correct it"))
            yield "SOURCE_OPTIONS", f"{path}.{path_of(('options', *found['loc']))}", message, hint


def file_resource(path: str, kind: str | None, resource: ResourcePart) -> Found:
    """A resource in files. ``kind`` is ``None`` where the source is registered apart from the manifest."""
    if kind != "files" and (kind is not None or resource.file is None):
        if resource.file is not None:
            yield "FILE_PART", f"{path}.file", "file 仅用于 files 数据源 file goes with sources of kind files only", "请删除 remove it"
        return
    if resource.object is None:
        yield "OBJECT_MISSING", f"{path}.object", "文件数据源的资源须有 object a resource of a files source needs an object", 'object = "permits/{date}.csv"'
    elif problem := pattern_problem(resource.object):
        yield "FILE_OBJECT", f"{path}.object", problem[0], problem[1]
    if resource.endpoint is not None or resource.remote is not None or resource.options:
        yield "FILE_PART", path, "文件数据源的资源不用 endpoint、remote 与 options a resource in files has none of these", "请删除 remove it"
    yield from _columns(path, resource)


def _columns(path: str, resource: ResourcePart) -> Found:
    types: dict[str, str] = {}
    for i, item in enumerate(resource.items):
        if types.setdefault(item.column, item.type) != item.type:
            message = f"列 {item.column} 在两个信息项中类型不同 the column {item.column} has two types"
            yield "FILE_COLUMN", f"{path}.items[{i}].type", message, "请统一类型 make them alike"
        if item.column in resource.left_out:
            yield (
                "FILE_COLUMN",
                f"{path}.left_out",
                f"列 {item.column} 是信息项的列 the column {item.column} is an item's",
                "请从 left_out 删除 take it out of left_out",
            )


def lacks_file_part(source: SourceConfig | None, resource: ResourcePart) -> bool:
    """A resource on a source that is registered apart says by its file part that it lies in files."""
    return source is not None and source.kind == "files" and resource.file is None
