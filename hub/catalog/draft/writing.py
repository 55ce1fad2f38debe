"""The draft as TOML. What is a guess says so on its line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from connectors.selection import Kind
from hub.catalog.draft.parts import Item, Resource
from hub.catalog.manifest import DepartmentPart, SourcePart

GUESS = "建议，请人工确认 suggestion, to be confirmed"
CLASSIFICATION = "307026"
"""部门信息资源，省（区、市），贵州省: departments' resources of Guizhou, by the catalog standard."""
LEGAL_BASIS = "待确认：由提供部门填写共享依据 to be confirmed: the providing department states the basis of sharing"
HEADING = f"""# 资源目录草稿，由 huitong catalog draft 从数据源生成；并未因此登记或发布任何内容。
# A draft, made by `huitong catalog draft` from a live source; nothing is registered or published by it.
# 标有“{GUESS.partition(" ")[0]}”的行须由提供部门核对。The department that provides the data checks every line marked so.
"""
_TEXT_KINDS = {Kind.STRING: "string", Kind.INTEGER: "integer", Kind.BIGINT: "bigint"}


def quoted(text: str) -> str:
    """A TOML string, literal where only that is easy to read. JSON's escapes are TOML's, but for DEL."""
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def comment(text: str) -> str:
    """Text that cannot leave its comment."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def guess(why: str = "") -> str:
    """The mark at a line's end."""
    return f"  # {GUESS}" + (f": {comment(why)}" if why else "")


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, values))}]"


def write_department(part: DepartmentPart) -> str:
    """``[department]``."""
    lines = ["[department]", f"code = {quoted(part.code)}", f"name = {quoted(part.name)}"]
    if part.name_en:
        lines.append(f"name_en = {quoted(part.name_en)}")
    return "\n".join([*lines, f"uscc = {quoted(part.uscc)}", f"tier = {quoted(part.tier)}", ""])


def write_source(part: SourcePart) -> str:
    """``[[sources]]``."""
    lines = ["[[sources]]", f"code = {quoted(part.code)}", f"kind = {quoted(part.kind)}", f"url = {quoted(part.url)}"]
    if part.secret:
        lines.append(f"secret = {quoted(part.secret)}")
    return "\n".join([*lines, f"pool = {part.pool}", f"timeout_ms = {part.timeout_ms}", ""])


def write_resource(resource: Resource, source: str, kind: str = "sql") -> str:
    """``[[resources]]`` with its items and links."""
    parts = ["\n".join([*_head(resource, source, kind), ""])]
    parts += ["\n".join(["[[resources.items]]", *_item(item, item.code in resource.identifiers), ""]) for item in resource.items]
    for link in resource.links:
        parts.append(f"[[resources.links]]\nfield = {quoted(link.field)}{guess()}\nitem = {quoted(link.item)}\nto = {quoted(link.to)}\n")
    return "\n".join(parts)


def _head(resource: Resource, source: str, kind: str) -> Iterator[str]:
    yield "[[resources]]"
    yield f"code = {quoted(resource.code)}"
    yield f"plural = {quoted(resource.plural)}{guess()}"
    yield f"name = {quoted(resource.name)}{_because(resource.why.get('name', ''))}"
    if resource.name_en:
        yield f"name_en = {quoted(resource.name_en)}"
    yield f"description = {quoted(resource.description)}{guess()}"
    yield f"classification = {quoted(CLASSIFICATION)}{guess('部门信息资源·省级·贵州省 departments, province, Guizhou')}"
    yield f'level = "INTERNAL"{guess()}'
    yield f'sharing_class = "CONDITIONAL"{guess()}'
    yield f"legal_basis = {_texts([LEGAL_BASIS])}{guess()}"
    yield f'open_class = "CLOSED"{guess()}'
    yield f'update_cycle = "irregular"{guess()}'
    yield f"operations = {_texts(['QUERY', 'VERIFY'] if resource.identifiers else ['QUERY'])}{guess()}"
    yield f'service_methods = ["INTERFACE"]{guess()}'
    yield f"source = {quoted(source)}"
    yield f"object = {quoted(resource.described.binding.object)}"
    if kind == "files":
        yield "file = {}"
    yield f"identifiers = {_texts(resource.identifiers)}{_because(resource.why['stable_key'])}"
    yield f"stable_key = {quoted(resource.stable_key)}{_because(resource.why['stable_key'])}"
    if resource.item(resource.stable_key) is None:
        yield f"stable_key_type = {quoted(_TEXT_KINDS[resource.stable_kind])}"
    if resource.watermark:
        yield f"watermark = {quoted(resource.watermark)}{guess('列名像更新时间 called like the time of a change')}"
    for column, reason in resource.left_out:
        yield f"# 未列入 left out: {comment(column)}: {comment(reason)}"
    if resource.left_out:
        yield f"left_out = {_texts([column for column, _ in resource.left_out])}"


def _item(item: Item, identifies: bool) -> Iterator[str]:
    yield f"code = {quoted(item.code)}"
    yield f"name = {quoted(item.name)}{_because(item.why.get('name', ''))}"
    if item.name_en:
        yield f"name_en = {quoted(item.name_en)}"
    if item.description:
        yield f"description = {quoted(item.description)}"
    yield f"type = {quoted(item.kind.value)}{_because(item.why.get('type', ''))}"
    yield f"column = {quoted(item.column)}"
    yield from _meant(item, identifies)
    if item.filterable:
        yield f"filterable = true{guess(item.why['filterable'])}"
    if item.low_cardinality:
        yield f"low_cardinality = true{guess(item.why['low_cardinality'])}"
    if not item.nullable:
        yield f"nullable = false{_because(item.why.get('nullable', ''))}"


def _meant(item: Item, identifies: bool) -> Iterator[str]:
    marks = ["identifier"] if identifies else []
    if item.meaning is None:
        if marks:
            yield f"marks = {_texts(marks)}"
        return
    marks += item.meaning.marks
    if marks:
        yield f"marks = {_texts(marks)}{guess(item.meaning.why)}"
    if item.meaning.validator:
        yield f"validator = {quoted(item.meaning.validator)}{guess(item.meaning.why)}"
    masks = [f"share = {quoted(item.meaning.share)}"] if item.meaning.share else []
    if item.meaning.marks:
        masks.append('open = "DENY"')
    if masks:
        yield f"mask = {{{', '.join(masks)}}}{guess(item.meaning.why)}"


def _because(why: str) -> str:
    return guess(why) if why else ""
