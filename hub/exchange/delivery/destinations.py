"""``destinations.toml``: read when it changes; a fault in it stops deliveries, not the hub. No consumer ever names an address himself."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hub.catalog.problems import PYDANTIC_TEXTS, Lines, path_of
from hub.exchange.delivery.config import MOST_NAME, Content, Destination, Table, local, within
from hub.sharing.registry import Application
from schema.faults import Code, Fault, bad_input

MOST_BYTES = 1 << 20
_KINDS = ("folder", "s3", "table")
TABLE_FORMATS = ("PARQUET", "ARROW")
"""Formats that say what type each column has."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One fault of the file: where, in words and by line, where both are known."""

    message: str
    hint: str
    path: str | None = None
    line: int | None = None


class DestinationsFault(Exception):
    """The file cannot be used. ``str()`` names each fault with its place and remedy."""

    def __init__(self, file: Path, faults: Sequence[Wrong]) -> None:
        super().__init__("; ".join(_told(file, wrong) for wrong in faults))
        self.file = file
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Configured:
    """What the file says, and what it cannot say."""

    content: Content
    fault: DestinationsFault | None = None


class Destinations:
    """The destinations in force. Safe to use from any thread."""

    def __init__(self, file: Path, home: Path) -> None:
        self._file = file
        self._home = home
        self._lock = threading.Lock()
        self._seen: tuple[object, Configured] | None = None

    def content(self) -> Content:
        """The file as it is now; without a file there are no destinations.

        Raises:
            DestinationsFault: nothing of it is used.
        """
        with self._lock:
            stamp = self._stamp()
            if self._seen is None or self._seen[0] != stamp:
                self._seen = stamp, self._read()
            found = self._seen[1]
        if found.fault is not None:
            raise found.fault
        return found.content

    def find(self, code: str) -> Destination | None:
        """The destination of this code.

        Raises:
            DestinationsFault: see :meth:`content`.
        """
        return next((each for each in self.content().destinations if each.code == code), None)

    def _stamp(self) -> object:
        try:
            found = self._file.stat()
        except OSError as fault:
            return fault.errno
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Configured:
        try:
            raw = self._file.read_bytes()
        except FileNotFoundError:
            return Configured(Content())
        except OSError as fault:
            return self._faulty(Wrong(f"无法读取 cannot be read: {fault.strerror}", "请检查权限 check its permissions"))
        if len(raw) > MOST_BYTES:
            return self._faulty(Wrong(f"超过 {MOST_BYTES} 字节 larger than {MOST_BYTES} bytes", "请精简 shorten it"))
        try:
            text = raw.decode()
            content = Content.model_validate(tomllib.loads(text))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            return self._faulty(Wrong(f"TOML 语法错误 TOML syntax error: {error}", "请修正 mend it"))
        except ValidationError as error:
            lines = Lines(text)
            return self._faulty(*(_wrong(found, lines) for found in error.errors(include_url=False, include_input=False)))
        faults = list(_beyond_shape(content, self._home, Lines(text)))
        return self._faulty(*faults) if faults else Configured(content)

    def _faulty(self, *faults: Wrong) -> Configured:
        return Configured(Content(), DestinationsFault(self._file, faults))


def _beyond_shape(content: Content, home: Path, lines: Lines) -> Iterator[Wrong]:
    inside = home.resolve()
    for i, root in enumerate(content.roots):
        where = Path(root).resolve()
        if where.is_relative_to(inside) or inside.is_relative_to(where):
            hint = "请使用消费方的目录 use a folder of the consumers'"
            yield _one(f"roots[{i}]", "不得包含或位于汇通自身的目录 neither lies in the hub's own directory nor holds it", hint, lines)
    seen: set[str] = set()
    for i, destination in enumerate(content.destinations):
        if destination.code in seen:
            yield _one(f"destinations[{i}].code", f"代码重复 the code {destination.code} stands twice", "请改名 rename one", lines)
        seen.add(destination.code)
        path = local(destination)
        if path is not None and not within(path, content.roots):
            hint = f"可用 allowed roots: {', '.join(content.roots) or '无 none'}; 请移入或增列 move it there, or add to roots"
            yield _one(f"destinations[{i}].url", "不在 roots 之下 lies under none of the roots", hint, lines)


def _one(path: str, message: str, hint: str, lines: Lines) -> Wrong:
    return Wrong(message, hint, path, lines.line(path))


def _wrong(found: Any, lines: Lines) -> Wrong:
    # Pydantic names the kind of destination among the steps to the fault; the file has no such step.
    location = [part for i, part in enumerate(found["loc"]) if not (i == 2 and part in _KINDS)]
    path = path_of(location)
    message, hint = PYDANTIC_TEXTS.get(found["type"], (f"取值不正确 value is not usable: {found['msg']}", "请更正 correct it"))
    context = found.get("ctx") or {}
    for name in ("expected", "expected_tags", "pattern"):
        if name in context:
            hint = f"可用 allowed: {context[name]}"
    return _one(path, message, hint, lines)


def _told(file: Path, wrong: Wrong) -> str:
    place = f"{file.name}:{wrong.line}" if wrong.line else file.name
    return f"{place}: {wrong.path + ': ' if wrong.path else ''}{wrong.message} → {wrong.hint}"


def check_destination(destinations: Destinations, code: str, app: Application, format_: str, columns: Sequence[Sequence[str]]) -> Destination:
    """The destination that a caller asks for, for an exchange in this format with these columns (paths of response keys).

    Raises:
        Fault: there is none of that code for this application, or the exchange cannot be delivered there.
    """
    try:
        content = destinations.content()
    except DestinationsFault:
        raise Fault(
            Code.INTERNAL,
            "投递目标的配置有误，暂不能投递",
            "the configuration of destinations has a fault: nothing can be delivered now",
            "请联系平台管理员（huitong doctor），或不写 destination",
            "tell the hub's administrators (huitong doctor), or leave destination out",
        ) from None
    mine = {each.code: each for each in content.destinations if each.open_to(app.client_id, app.name)}
    found = mine.get(code)
    if found is None:
        known = ", ".join(mine)
        raise Fault(
            Code.NOT_FOUND,
            f"没有投递目标 {code[:60]}",
            f"there is no destination {code[:60]}",
            f"可用：{known}" if known else "没有向该应用开放的投递目标：请联系平台管理员，或不写 destination",
            f"known: {known}" if known else "none is open to this application: ask the hub's administrators, or leave destination out",
        )
    if isinstance(found, Table):
        _check_table(found, format_, columns)
    return found


def _check_table(destination: Table, format_: str, columns: Sequence[Sequence[str]]) -> None:
    known = ", ".join(TABLE_FORMATS)
    if format_ not in TABLE_FORMATS:
        raise bad_input(f"{format_} 不能写入库表", f"{format_} cannot be delivered into a table", f"可用格式：{known}", f"formats that can: {known}")
    names = [column_name(path) for path in columns]
    twice = sorted({name for name in names if sum(other.lower() == name.lower() for other in names) > 1})
    if twice:
        raise bad_input(
            f"库表中会有同名的列：{', '.join(twice)}",
            f"columns of the table would have the same name: {', '.join(twice)}",
            "请用别名区分（关联字段的列名为 关联_字段，不分大小写）",
            "tell them apart by aliases (a link's column is called link_name; case does not count)",
        )
    if long := [name for name in names if len(name.encode()) > MOST_NAME]:
        raise bad_input(
            f"列名超过 {MOST_NAME} 个字节：{long[0]}",
            f"a column's name has more than {MOST_NAME} bytes: {long[0]}",
            "请用别名或改名",
            "use an alias, or rename it",
        )
    if unfit := [name for name in names if _is_unfit(destination.backend, name)]:
        raise bad_input(
            f"目标数据库不接受列名：{unfit[0]}",
            f"the destination's database takes no column of the name {unfit[0]}",
            "请用别名或改名",
            "use an alias, or rename it",
        )


def _is_unfit(backend: str, name: str) -> bool:
    if backend == "postgresql":
        return name in _SYSTEM_COLUMNS
    return backend == "mariadb" and any(ord(character) > _LAST_OF_MARIADB for character in name)


_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Each table of PostgreSQL has them (documentation, 5.6)."""
_LAST_OF_MARIADB = 0xFFFF
"""Names there have no characters beyond it (Knowledge Base, "Identifier Names")."""


def column_name(path: Sequence[str]) -> str:
    """A link's items stand beside its parent's: ``link_name``. So do the outcomes of single claims: ``claims_name`` for ``claims.name``."""
    return "_".join(path).replace(".", "_")
