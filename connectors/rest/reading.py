"""Reads the pages of a collection, as many as the answer needs and not more rows than the hub may hold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise
from typing import Any

from connectors.errors import SourceRefused
from connectors.rest.client import Client
from connectors.rest.endpoint import Endpoint
from connectors.rest.items import at, rows
from connectors.rest.pushdown import Query, query_text
from connectors.selection import Column, Row, Value
from connectors.wire import comparable


class Reading:
    """One call's reading of one collection; ``most`` rows at most over all its queries."""

    def __init__(self, source: str, client: Client, endpoint: Endpoint, columns: Sequence[Column], most: int) -> None:
        self._source = source
        self._client = client
        self._endpoint = endpoint
        self._columns = columns
        self._left = most
        self._place = next((place for place, column in enumerate(columns) if column.name == endpoint.sorted_by), None)

    async def pages(self, query: Query, size: int, after: Value = None) -> AsyncGenerator[list[Row], None]:
        """Pages of at most ``size`` rows until the collection ends.

        Pages follow one another by ``after`` where the service can do that and the sort column is read, else by offset.

        Raises:
            SourceRefused: more rows would be needed than the hub may read, or the answer is not what the catalog describes.
        """
        endpoint, offset = self._endpoint, 0
        keyset = endpoint.after is not None and self._place is not None
        size = min(size, endpoint.max_page)
        last: Value = after
        while True:
            position = {endpoint.after: query_text(after)} if endpoint.after and after is not None else {}
            items = await self._items({**query, endpoint.limit: str(size), endpoint.offset: str(offset), **position})
            page = rows(self._source, items, self._columns)
            self._count(len(page))
            last = self._check_order(page, last)
            yield page
            if len(page) < size:
                return
            if keyset:
                after = last
            else:
                offset += len(page)

    async def everything(self, queries: Sequence[Query]) -> list[Row]:
        """All rows of all queries."""
        return [row for query in queries async for page in self.pages(query, self._endpoint.max_page) for row in page]

    async def _items(self, query: Query) -> list[Any]:
        items = at(await self._client.get(self._endpoint.path, query), self._endpoint.items)
        if not isinstance(items, list):
            raise SourceRefused(self._source, f"the service's answer holds no array at {self._endpoint.items or 'its top'}")
        if len(items) > self._endpoint.max_page:
            raise SourceRefused(self._source, f"the service sends more items than {self._endpoint.limit} allows")
        return items

    def _count(self, read: int) -> None:
        self._left -= read
        if self._left < 0:
            columns = sorted({*self._endpoint.filters, *self._endpoint.keys})
            remedy = f"filter by equality on one of: {', '.join(columns)}" if columns else "the service has no filter"
            raise SourceRefused(self._source, f"the hub would have to read more rows than `local_rows` allows; {remedy}")

    def _check_order(self, page: list[Row], last: Value) -> Value:
        """Position of the page's last row. A service that ignored ``after`` or sorts otherwise would lose rows in silence."""
        if self._place is None or not page:
            return last
        kind, positions = self._columns[self._place].kind, [row[self._place] for row in page]
        places = [comparable(position, kind) for position in ([] if last is None else [last]) + positions]
        if None in places or any(left >= right for left, right in pairwise(places)):
            raise SourceRefused(self._source, f"the service's items do not ascend by {self._endpoint.sorted_by}, as the catalog says")
        return positions[-1]
