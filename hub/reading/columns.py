"""The columns of an export, the same in CSV, JSON Lines and Parquet: one row per entry and resource, as the reader may see it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from hub.ledger.canonical import moment
from hub.ledger.digest import Digest
from hub.ledger.entry import Access, Entry, Item
from hub.reading.views import Scope, View

Kind = Literal["text", "integer", "moment"]
Names = Callable[[str], str | None]
"""The name of an application by its client id; ``None`` of one that is no more."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a column is made from: an entry, one of its accesses, and whether the reader sees all of them."""

    entry: Entry
    access: Access | None
    whole: bool
    names: Names
    digest: Digest


@dataclass(frozen=True, slots=True)
class Column:
    """``name`` is English and stable, ``label`` Chinese. ``of_call`` columns say something of the whole call: providers do not get them."""

    name: str
    label: str
    kind: Kind
    value: Callable[[Cell], Any]
    of_call: bool = False


def _said(name: str) -> Callable[[Cell], Any]:
    return lambda cell: getattr(cell.entry.content, name)


def _taken(name: str) -> Callable[[Cell], Any]:
    return lambda cell: None if cell.access is None else getattr(cell.access, name)


def _item(item: Item) -> str:
    return f"{item.code}:{item.shown}" + (f"({item.mask})" if item.mask else "")


def _detail(name: str) -> Callable[[Cell], Any]:
    def value(cell: Cell) -> str | None:
        found = (cell.entry.content.details or {}).get(name)
        return found if isinstance(found, str) else None

    return value


_COLUMNS = (
    Column("entry", "条目", "integer", lambda cell: cell.entry.seq),
    Column("at", "获取时间", "moment", lambda cell: moment(cell.entry.content.at)),
    Column("kind", "类别", "text", _said("kind")),
    Column("call", "调用编号", "text", _said("call")),
    Column("operation", "共享方式", "text", _said("operation")),
    Column("medium", "介质类型", "text", _said("medium")),
    Column("application", "应用标识", "text", _said("application")),
    Column("application_name", "应用名称", "text", lambda cell: cell.names(cell.entry.content.application or "")),
    Column("department", "使用部门", "text", _said("department")),
    Column("operator", "使用人员", "text", _said("operator")),
    Column("purpose", "用途", "text", _said("purpose")),
    Column("scenario", "政务场景", "text", _said("scenario")),
    Column("basis", "依据", "text", _said("basis")),
    Column("resource", "资源", "text", _taken("resource")),
    Column("provider", "提供部门", "text", _taken("provider")),
    Column("items", "使用信息项", "text", lambda cell: " ".join(map(_item, cell.access.items)) if cell.access else None),
    Column("rows", "资源行数", "integer", _taken("rows")),
    Column("grant", "授权", "text", _taken("grant")),
    Column("approver", "批准人员", "text", _taken("approver")),
    Column("outcome", "结果", "text", _said("outcome")),
    Column("code", "错误码", "text", lambda cell: cell.entry.content.code if cell.whole else None),
    Column("leaf", "叶子散列", "text", lambda cell: base64.b64encode(cell.digest.leaf(cell.entry.canonical)).decode()),
    Column("case", "案件编号", "text", _said("case"), of_call=True),
    Column("call_rows", "调用总行数", "integer", _said("rows"), of_call=True),
    Column("call_bytes", "调用字节数", "integer", _said("bytes"), of_call=True),
    Column("ms", "毫秒", "integer", _said("ms"), of_call=True),
    Column("trace", "链路标识", "text", _said("trace"), of_call=True),
    Column("actor", "操作人", "text", _detail("actor"), of_call=True),
    Column("act", "操作", "text", _detail("act"), of_call=True),
    Column("target", "对象", "text", _detail("target"), of_call=True),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Entries as one reader's rows."""

    scope: Scope
    names: Names
    digest: Digest

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those that the reader gets."""
        return tuple(column for column in _COLUMNS if not column.of_call or self.scope.view is not View.PROVIDED)

    def of(self, entry: Entry) -> Iterator[dict[str, Any]]:
        """One row per resource; one without a resource where the entry names none. Providers get their own resources' alone."""
        accesses = entry.content.accesses
        if self.scope.view is View.PROVIDED:
            accesses = tuple(access for access in accesses if access.provider == self.scope.department)
        whole = len(accesses) == len(entry.content.accesses)
        for access in accesses or (None,):
            cell = Cell(entry, access, whole, self.names, self.digest)
            yield {column.name: column.value(cell) for column in self.columns}
