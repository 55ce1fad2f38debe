"""Reads the pages of collections, as many as the answer needs and not more rows than the hub may hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise
from typing import Any

from connectors.errors import SourceFault, SourceRefused
from connectors.rest.answers import form, readers, rows
from connectors.rest.bounds import behind
from connectors.rest.client import CONTENT, Client, Request
from connectors.rest.conditions import Sent
from connectors.rest.endpoint import CountParameter, Endpoint
from connectors.rest.exchange import Answer, fault
from connectors.rest.pages import End, Page, Step
from connectors.rest.paging import pager
from connectors.rest.pushdown import Ask
from connectors.rest.requests import request_for
from connectors.rest.telling import is_none, succeeded, told, total_of
from connectors.selection import Column, Kind, Row, Value
from connectors.wire import comparable

_NO_CONTENT = 204
_PART = 500
"""Items that are made into rows at a time."""


class Reading:
    """One call's reading of one endpoint: ``most`` rows at most over all its requests, ``together`` requests at once, all until ``due``."""

    def __init__(self, source: str, client: Client, endpoint: Endpoint, columns: Sequence[Column], most: int, due: float, together: int = 1) -> None:
        self._source = source
        self._client = client
        self._endpoint = endpoint
        self._columns = columns
        self._most = self._left = most
        self._due = due
        self._together = together
        self._pages = 0
        self._form = form(endpoint.format)
        self._readers = readers(self._form, endpoint, columns)
        self._exact = any(column.kind is Kind.DECIMAL for column in columns)
        self._place = next((place for place, column in enumerate(columns) if column.name == endpoint.sorted_by), None)

    async def pages(self, ask: Ask, size: int, after: Value = None) -> AsyncGenerator[list[Row], None]:
        """Pages of at most ``size`` rows until the collection ends.

        Pages follow one another by ``after`` where the service can do that and the sort column is read, else as the service pages.

        Raises:
            SourceRefused: more rows would be needed than the hub may read, or the answer is not what the catalog describes.
        """
        endpoint = self._endpoint
        steps = pager(self._source, endpoint, self._form, self._client, ask.route.single)
        keyset = endpoint.after is not None and self._place is not None and steps.starts_anew
        size = min(size, endpoint.max_page or size) if endpoint.limit else endpoint.max_page or self._most + 1
        step: Step | None = steps.first()
        # A single item is where it is, whatever the position that the answer begins behind.
        last = None if ask.route.single else after
        before: list[Any] = []
        read, end = 0, End.FIRST
        while step is not None:
            answer = await self._answer(ask, step, size, after, end)
            document, items = (None, []) if answer is None else await self._items(ask, answer)
            page = await self._rows(items)
            last = self._check_order(page, last)
            if steps.starts_anew:
                self._check_new(items, before)
            # Behind a position a service counts what lies there, not what was read before it.
            before, read = items, len(page) + (0 if keyset else read)
            self._count(len(page))
            yield self._own(ask, page) if ask.only else page
            total = 0 if answer is None else total_of(self._form, answer, document, endpoint)
            step = None if answer is None else steps.following(Page(answer, document, len(page), size, total > read))
            self._count_page(step)
            end = End.behind(endpoint.paging, read, total)
            if keyset and step is not None:
                step, after = steps.first(), last

    async def _rows(self, items: Sequence[Any]) -> list[Row]:
        """In parts, so that a large page does not keep other calls waiting."""
        found: list[Row] = []
        for start in range(0, len(items), _PART):
            found += rows(self._source, self._form, items[start : start + _PART], self._readers)
            if start + _PART < len(items):
                await asyncio.sleep(0)
        return found

    def _own(self, ask: Ask, found: list[Row]) -> list[Row]:
        places = {column.name: (place, column.kind) for place, column in enumerate(self._columns)}
        own = [(*places[column], {comparable(value, places[column][1]) for value in values}) for column, values in ask.only]
        return [row for row in found if all(comparable(row[place], kind) in values for place, kind, values in own)]

    async def everything(self, asks: Sequence[Ask]) -> list[Row]:
        """All rows of all that is asked, in its order."""
        found: list[list[Row]] = [[] for _ in asks]
        waiting = iter(enumerate(asks))

        async def work() -> None:
            for place, ask in waiting:
                found[place] = [row async for page in self.pages(ask, self._endpoint.max_page or self._most + 1) for row in page]

        workers = min(len(asks), self._together)
        if workers <= 1:
            await work()
        else:
            await _together([work() for _ in range(workers)])
        return [row for each in found for row in each]

    async def total(self, ask: Ask, count: CountParameter) -> int:
        """How many items there are in all pages, as the service tells.

        Raises:
            SourceRefused: it does not.
        """
        paging: dict[str, Sent] = {count.parameter: count.value} if count.parameter else {}
        step = pager(self._source, self._endpoint, self._form, self._client, ask.route.single).first()
        answer = await self._answer(ask, Step({**step.parameters, **paging}), 1, None)
        if answer is None:
            return 0
        document = await self._parsed(answer)
        if not succeeded(self._source, self._form, document, self._endpoint.success):
            return 0
        total = told(self._form, answer, document, count)
        if total is None:
            raise SourceRefused(self._source, "the service does not tell its total as the catalog says")
        return total

    async def sample(self, ask: Ask, size: int) -> list[dict[str, Any]]:
        """The first items, by path."""
        steps = pager(self._source, self._endpoint, self._form, self._client, ask.route.single)
        answer = await self._answer(ask, steps.first(), min(size, self._endpoint.max_page or size), None)
        items = [] if answer is None else (await self._items(ask, answer))[1]
        return [dict(self._form.flat(item)) for item in items[:size]]

    async def _answer(self, ask: Ask, step: Step, size: int, after: Value, end: End = End.FIRST) -> Answer | None:
        if step.target is not None:
            return await self._send(ask, Request("GET", step.target, {"Accept": self._form.accept, **self._endpoint.headers}), end)
        paging: dict[str, Sent] = {**({self._endpoint.limit: size} if self._endpoint.limit else {}), **step.parameters}
        if self._endpoint.after is not None and after is not None:
            kind = Kind.STRING if self._place is None else self._columns[self._place].kind
            paging[self._endpoint.after] = behind(self._source, self._endpoint, kind, after)
        return await self._send(ask, request_for(self._endpoint, self._form.accept, ask, paging), end)

    async def _send(self, ask: Ask, request: Request, end: End) -> Answer | None:
        """``None`` where the service says that there is nothing, nothing by the name that the path holds, or no page behind its last item."""
        answer = await self._client.ask(request, self._due)
        if answer.status in CONTENT:
            return answer
        if answer.status == _NO_CONTENT or end is End.TOLD or (end is End.FIRST and ask.filled):
            return None
        if end is End.POSSIBLE:
            way = "`paging.pages`" if self._endpoint.paging.style == "page" else "`paging.more`"
            missing = f"the service has no page behind a full one (status {answer.status})"
            raise SourceRefused(self._source, f"{missing}; declare a `count` that every answer tells, or {way}")
        raise fault(self._source, answer.status)

    async def _parsed(self, answer: Answer) -> Any:
        return await self._form.parse(self._source, answer.body, answer.charset, self._exact, self._endpoint.charset)

    async def _items(self, ask: Ask, answer: Answer) -> tuple[Any, list[Any]]:
        document = await self._parsed(answer)
        path, most = ask.route.items, self._endpoint.max_page
        if not succeeded(self._source, self._form, document, self._endpoint.success):
            return document, []
        if ask.route.single:
            return document, self._single(document, path)
        items = self._form.items(document, path)
        if items is None and is_none(self._form, answer, document, path, self._endpoint):
            items = []
        if items is None:
            raise SourceRefused(self._source, f"the service's answer holds no array at {path or 'its top'}")
        if most is not None and len(items) > most:
            raise SourceRefused(self._source, f"the service sends more items than {self._endpoint.limit or '`max_page`'} allows")
        return document, items

    def _check_new(self, items: Sequence[Any], before: Sequence[Any]) -> None:
        """A service that ignores the parameter of its pages sends the first one for each of them, and its rows would be doubled."""
        if items and self._form.alike(items, before):
            name = self._endpoint.offset or self._endpoint.paging.parameter
            raise SourceRefused(self._source, f"the service sends the same page again: it does not know the parameter {name}; correct `paging` and `offset`")

    def _single(self, document: Any, path: str) -> list[Any]:
        found = self._form.items(document, path)
        if found is None:
            item = self._form.at(document, path)
            return [] if item is None else [item]
        if len(found) > 1:
            raise SourceRefused(self._source, "the service sends several items where the catalog says that there is one; write single = false")
        return found

    def _count(self, read: int) -> None:
        self._left -= read
        if self._left < 0:
            raise SourceRefused(self._source, f"the hub would have to read more rows than `local_rows` allows; {self._remedy()}")

    def _count_page(self, step: Step | None) -> None:
        """Later pages only: the first ones are bounded by ``max_requests``."""
        self._pages += step is not None
        if self._pages >= self._endpoint.max_pages and step is not None:
            raise SourceRefused(self._source, f"more than {self._endpoint.max_pages} pages would have to be read (`max_pages`); {self._remedy()}")

    def _remedy(self) -> str:
        columns = sorted({*self._endpoint.filters, *self._endpoint.keys})
        return f"filter by equality on one of: {', '.join(columns)}" if columns else "the service has no filter"

    def _check_order(self, page: list[Row], last: Value) -> Value:
        """Position of the page's last row. A service that ignored ``after`` or sorts otherwise would lose rows in silence."""
        if self._place is None or not page:
            return last
        kind, positions = self._columns[self._place].kind, [row[self._place] for row in page]
        places = [comparable(position, kind) for position in ([] if last is None else [last]) + positions]
        if None in places or any(left >= right for left, right in pairwise(places)):
            raise SourceRefused(self._source, f"the service's items do not ascend by {self._endpoint.sorted_by}, as the catalog says")
        return positions[-1]


async def _together(work: Sequence[Any]) -> None:
    """Runs all; the first fault stops the others."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except* SourceFault as faults:
        first = faults.exceptions[0]
    else:
        return
    raise first
