"""The stable key of a table or view, and the items by which its rows may be looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.selection import Kind
from connectors.spi import ColumnDescription, ObjectDescription
from hub.catalog.draft.naming import code_of
from hub.catalog.draft.parts import Sample

_KINDS = (Kind.INTEGER, Kind.BIGINT, Kind.STRING)
_ENOUGH = 5
"""Rows without which distinct values in a sample say nothing of a column that is not called like a key."""
_LONGEST = 64
_LIKE_A_KEY = re.compile(r"(?:^|_)(?:id|no|code|key|number|uuid|guid|isbn|serial|uscc|bh|xh)\Z")


@dataclass(frozen=True, slots=True)
class Key:
    """A column that is unique and never null. ``why``: what that rests on, where it is a guess."""

    column: ColumnDescription
    why: str = ""
    declared: bool = True
    """The source promises its keys; a file's are only what was found in it."""


@dataclass(frozen=True, slots=True)
class NoKey:
    """Why there is none, and what the department can do about it."""

    reason: str
    remedy: str


_NO_KEY_IN_FILE = NoKey(
    "文件中没有唯一且非空的文本或整数列 no text or integer column of the file is distinct and never empty",
    "请由部门在文件中加入一列编号，每行各不相同 have the department add a column to the file that numbers its rows, each differently",
)


def stable_key(described: ObjectDescription, sample: Sample, *, declared: bool = True) -> Key | NoKey:
    """The primary key where it is one column, else a unique column without nulls, else, for a view, or a table whose keys others do not inherit, what looks like one in the sample.

    ``declared``: the source promises its keys. Where it only found them, one that is called like a key is best.
    """
    if not declared:
        return _found(described) or _NO_KEY_IN_FILE
    columns = {column.name: column for column in described.columns}
    primary = described.primary_key
    if len(primary) == 1 and (column := columns.get(primary[0])) and usable(column):
        return Key(column)
    unique = [columns[key[0]] for key in described.unique_keys if len(key) == 1 and key[0] in columns]
    if whole := [column for column in unique if usable(column) and not column.nullable]:
        return Key(min(whole, key=lambda column: _KINDS.index(_kind(column)) // 2))
    if (described.view or described.inherited) and not primary and (guessed := _guess(described, sample)):
        others = "；继承它的表各有其键 tables inherit from it, each with keys of its own" if described.inherited else ""
        return Key(guessed, f"抽样 {sample.rows} 行中无重复无空值 distinct and not null in a sample of {sample.rows}{others}")
    return _none(described, sample)


def _found(described: ObjectDescription) -> Key | None:
    single = [key[0] for key in (described.primary_key, *described.unique_keys) if len(key) == 1]
    columns = [column for column in described.columns if column.name in single and usable(column) and not column.nullable]
    best = min(columns, key=lambda column: not _called(column), default=None)
    return Key(best, "文件中无重复无空值 distinct and not null in the file", declared=False) if best else None


def look_ups(described: ObjectDescription, key: Key) -> list[str]:
    """Columns that identify rows: the stable key, then every column that is unique by itself, and called so where nothing promises it."""
    columns = {column.name: column for column in described.columns}
    single = [described.primary_key, *described.unique_keys]
    names = [key.column.name, *(names[0] for names in single if len(names) == 1)]
    return [name for name in dict.fromkeys(names) if name in columns and usable(columns[name]) and _identifies(columns[name], key)]


def _identifies(column: ColumnDescription, key: Key) -> bool:
    return key.declared or column.name == key.column.name or _called(column)


def _called(column: ColumnDescription) -> bool:
    return _LIKE_A_KEY.search(code_of(column.name, "item")) is not None


def usable(column: ColumnDescription) -> bool:
    """Of a kind that identifies, and compared as that kind."""
    return column.kind in _KINDS and column.compared


def _kind(column: ColumnDescription) -> Kind:
    return column.kind or Kind.STRING


def _guess(described: ObjectDescription, sample: Sample) -> ColumnDescription | None:
    found = [column for column in described.columns if usable(column) and _distinct(sample, column.name)]
    called = [column for column in found if _called(column)]
    return next(iter(called or (found if sample.rows >= _ENOUGH else [])), None)


def _distinct(sample: Sample, column: str) -> bool:
    values = sample.values(column)
    if not values or len(values) < sample.rows or len(set(values)) < len(values):
        return False
    return all(isinstance(value, int) or (isinstance(value, str) and 0 < len(value) <= _LONGEST) for value in values)


def _none(described: ObjectDescription, sample: Sample) -> NoKey:
    key = described.primary_key
    if len(key) > 1:
        return NoKey(
            f"主键由多列组成 the primary key has several columns: {', '.join(key)}",
            "请由部门提供视图，将这些列转为文本并以分隔符拼接成一个键列 have the department offer a view whose one key column joins these as texts, with a separator between",
        )
    if key:
        return NoKey(
            f"主键列 {key[0]} 的类型不能作键 the primary key {key[0]} is of a type that cannot be a key, or may not be read",
            "请由部门提供视图，将其转换为文本或整数 have the department offer a view that casts it to text or an integer",
        )
    if described.view:
        seen = f"抽样行数 rows sampled: {sample.rows}" + (f"; {sample.fault}" if sample.fault else "")
        return NoKey(
            f"视图中未发现唯一且非空的列 no column of the view was seen to be distinct and not null ({seen})", "请在视图中加入键列 add a key column to the view"
        )
    if described.inherited:
        return NoKey(
            "其他表继承此表，主键不涵盖继承表的行，抽样中也未发现唯一且非空的列 other tables inherit from it, of whose rows its keys do not hold, and no column was seen to be distinct",
            "请由部门提供带单列键的视图 have the department offer a view with one key column",
        )
    return NoKey(
        "没有主键，也没有非空的唯一列 no primary key, and no unique column without nulls",
        "请由部门加主键 have the department add a primary key, or NOT NULL to a unique column",
    )
