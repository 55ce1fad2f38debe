"""Reads lists page by page, counts them, and looks up single objects, many in one request."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.errors import SourceRefused
from connectors.graphql.documents import count_document, list_document, look_up_document
from connectors.graphql.faults import code_of, fault_of
from connectors.graphql.pushdown import merged
from connectors.graphql.rows import Answer, at, items, places, row
from connectors.graphql.target import Single, Target
from connectors.graphql.values import sent
from connectors.selection import Column, Row, Value

Asking = Callable[[str, Mapping[str, Any]], Awaitable[tuple[Answer, Mapping[str, Any]]]]
"""Sends a document with variables; the answer's data and errors, and all of the answer."""
_MOST_FIELDS = 500
"""In one document; another hub takes 600."""
_NO_SUCH = frozenset({"NOT_FOUND", "BAD_INPUT", "BAD_USER_INPUT"})
"""Codes by which services say of one look-up that there is no such object, or that no object can have such a key."""


class Reading:
    """One reading of one list. ``most`` bounds the rows that are read for the hub to complete; ``compared`` are columns that must come in clear."""

    def __init__(self, source: str, ask: Asking, target: Target, columns: Sequence[Column], most: int, compared: frozenset[str]) -> None:
        self._source = source
        self._ask = ask
        self._target = target
        self._columns = columns
        self._names = [column.name for column in columns]
        self._most = most
        self._compared = compared
        self.cursors: list[str] | None = None
        """Each row's of the last page, where they are asked for by :meth:`with_cursors`."""

    def with_cursors(self) -> None:
        """Asks another hub for the cursor of every row."""
        self._target = replace(self._target, before=("edges",), behind=("node",))
        self.cursors = []

    @property
    def declared(self) -> bool:
        """The list's order is what the manifest says of it, not what the service promises."""
        return not self._target.remote.huitong

    async def everything(self, arguments: Mapping[str, Any]) -> list[Row]:
        """All rows.

        Raises:
            SourceRefused: there are more than ``most``.
        """
        rows: list[Row] = []
        async for page in self.pages(arguments, None):
            rows += page
            self.check(len(rows))
        return rows

    def check(self, count: int) -> None:
        """Refuses to read more than ``most`` rows."""
        if count > self._most:
            able = ", ".join(sorted({*self._target.comparisons, *self._target.remote.filters})) or "none"
            raise SourceRefused(
                self._source, f"the hub would have to read more than {self._most} rows (`local_rows`); filter by what the service filters by: {able}"
            )

    async def pages(self, arguments: Mapping[str, Any], limit: int | None, cursor: Any = None) -> AsyncGenerator[list[Row], None]:
        """Pages in the service's order, from behind ``cursor`` on; with ``limit``, no more rows than that are asked for."""
        remote, target = self._target.remote, self._target
        read = 0
        while limit is None or read < limit:
            size = remote.page if limit is None else min(remote.page, limit - read)
            paging = {remote.size_argument: size} if remote.size_argument else {}
            if remote.offset:
                paging[remote.offset] = read
            elif cursor is not None and remote.cursor_argument:
                paging[remote.cursor_argument] = cursor
            given = {**merged(remote.arguments, arguments), **paging}
            answer, whole = await self._ask(list_document(target, self._names, given, cursors=self.cursors is not None), given)
            self._check_masks(whole)
            value = at(answer.data, target.path)
            rows = items(self._source, answer, target.path, target.before, target.behind, self._columns)
            elements = at(value, target.before)
            if self.cursors is not None:
                self.cursors = [str(at(element, ("cursor",))) for element in elements]
            yield rows
            count = len(elements) if isinstance(elements, list) else 0
            read += count
            if read == limit:
                return
            after = self._next(value, count, size, read)
            if after is None:
                return
            if after == cursor or count == 0:
                raise SourceRefused(self._source, "the service's pages do not go on: it repeats a cursor")
            cursor = after

    def _next(self, value: Any, count: int, size: int, read: int) -> Any:
        """The next page's cursor, or its offset; ``None`` behind the last page."""
        remote = self._target.remote
        if remote.offset:
            return read if count >= size else None
        if remote.style == "list":
            if remote.size_argument and count == size:
                raise SourceRefused(
                    self._source, f"the service's list may go on behind the {size} objects that were asked for; name the argument `offset`, or raise `max_page`"
                )
            return None
        info = at(value, ("pageInfo",))
        if not isinstance(info, Mapping) or not isinstance(info.get("hasNextPage"), bool):
            raise SourceRefused(self._source, "the service's connection tells no pageInfo")
        if not info["hasNextPage"]:
            return None
        if not isinstance(info.get("endCursor"), str):
            raise SourceRefused(self._source, "the service's connection has a next page but no endCursor")
        return info["endCursor"]

    def _check_masks(self, whole: Mapping[str, Any]) -> None:
        """What another hub masks cannot be compared: it would order and find by what is not the value."""
        extensions = whole.get("extensions")
        masking = extensions.get("masking") if isinstance(extensions, Mapping) else None
        masked = {str(path).rpartition(".")[2] for path in masking} if isinstance(masking, Mapping) else set()
        if found := sorted(masked & self._compared):
            raise SourceRefused(
                self._source, f"the service masks {found[0]}, by which rows are found or ordered; ask its operator for it in clear, or take another"
            )

    async def count(self, arguments: Mapping[str, Any]) -> int | None:
        """The service's own count, or ``None`` where it does not tell."""
        remote, target = self._target.remote, self._target
        given = merged(remote.arguments, arguments)
        answer, _ = await self._ask(count_document(target, given), given)
        if answer.errors:
            raise fault_of(self._source, answer.errors)
        total = at(answer.data, [*target.path, *(remote.total_path or "").split(".")])
        if isinstance(total, str) and total.isascii() and total.isdigit():
            total = int(total)
        return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None

    async def look_up(self, single: Single, values: Sequence[Value]) -> dict[Value, Row]:
        """The object of each value that has one."""
        found: dict[Value, Row] = {}
        most = max(1, min(single.most, _MOST_FIELDS // (len(self._names) + 1)))
        asked = [(value, made) for value in values if (made := sent(value, single.type)) is not None]
        for start in range(0, len(asked), most):
            found |= await self._looked_up(single, asked[start : start + most])
        return found

    async def _looked_up(self, single: Single, asked: Sequence[tuple[Value, Any]]) -> dict[Value, Row]:
        variables = {f"k{i}": made for i, (_, made) in enumerate(asked)}
        answer, whole = await self._ask(look_up_document(single, self._names, len(asked)), variables)
        self._check_masks(whole)
        above = at(answer.data, single.path[:-1]) if single.path[:-1] else answer.data
        wrong = places(self._source, answer, single.path[:-1], 0) if answer.errors else {}
        found: dict[Value, Row] = {}
        for i, (value, _) in enumerate(asked):
            item = at(above, (f"k{i}",))
            if isinstance(item, Mapping):
                found[value] = row(item, self._columns, wrong.get(f"k{i}", ()))
            elif f"k{i}" in wrong:
                self._missing(answer, f"k{i}", single)
        return found

    def _missing(self, answer: Answer, alias: str, single: Single) -> None:
        own = [error for error in answer.errors if list(error.get("path") or ())[: len(single.path)] == [*single.path[:-1], alias]]
        if not all(code_of(error) in _NO_SUCH for error in own):
            raise fault_of(self._source, own)
