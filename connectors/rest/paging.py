"""How one page leads to the next, in each of the styles that an endpoint can declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.errors import SourceRefused
from connectors.rest.answers import Format
from connectors.rest.client import Client
from connectors.rest.conditions import Sent
from connectors.rest.endpoint import Endpoint
from connectors.rest.exchange import Answer
from connectors.rest.links import Outside, next_link
from connectors.rest.telling import more_of, number_at, scalar_at
from connectors.rest.values import text
from connectors.selection import Undeliverable

_LONGEST_CURSOR = 4096


@dataclass(frozen=True, slots=True)
class Page:
    """``count`` items came where ``size`` were asked for; ``more`` where the service's own total says that others are behind them."""

    answer: Answer
    document: Any
    count: int
    size: int
    more: bool = False

    @property
    def full(self) -> bool:
        """There may be another page: services that give fewer items than they are asked for tell by their total that they do."""
        return self.count >= self.size or (self.more and self.count > 0)


@dataclass(frozen=True, slots=True)
class Step:
    """The next page: by parameters, or at a target inside the source's address."""

    parameters: Mapping[str, Sent]
    target: str | None = None


class Pager(Protocol):
    """Leads through one collection. ``starts_anew``: a collection from which the first items are left out begins with page one again."""

    starts_anew: bool

    def first(self) -> Step: ...

    def following(self, page: Page) -> Step | None:
        """``None`` behind the last page.

        Raises:
            SourceRefused: the pages lead in a circle or out of the source.
        """
        ...


class _Offset:
    starts_anew = True

    def __init__(self, source: str, endpoint: Endpoint, form: Format) -> None:
        self._source = source
        self._form = form
        self._paging = endpoint.paging
        self._parameter = endpoint.offset or ""
        self._offset = 0

    def first(self) -> Step:
        self._offset = 0
        return Step({self._parameter: 0})

    def following(self, page: Page) -> Step | None:
        more = more_of(self._source, self._form, page.document, page.count, self._paging)
        if more and page.count == 0:
            raise SourceRefused(self._source, "the service says that another page follows, and sent no item behind which it could lie")
        if not (page.full if more is None else more):
            return None
        self._offset += page.count
        return Step({self._parameter: self._offset})


class _Numbers:
    starts_anew = True

    def __init__(self, source: str, endpoint: Endpoint, form: Format) -> None:
        self._source = source
        self._form = form
        self._paging = endpoint.paging
        self._number = endpoint.paging.first

    def first(self) -> Step:
        self._number = self._paging.first
        return Step({self._paging.parameter or "": self._number})

    def following(self, page: Page) -> Step | None:
        if self._is_last(page):
            return None
        self._number += 1
        return Step({self._paging.parameter or "": self._number})

    def _is_last(self, page: Page) -> bool:
        more = more_of(self._source, self._form, page.document, page.count, self._paging)
        if more is not None:
            return not more
        if self._paging.pages is None:
            return not page.full
        pages = number_at(self._form, page.document, self._paging.pages)
        if pages is None and page.full:
            raise SourceRefused(self._source, f"the service tells no number of pages at {self._paging.pages}")
        return page.count == 0 or pages is None or self._number - self._paging.first + 1 >= pages


class _Cursors:
    starts_anew = False

    def __init__(self, source: str, endpoint: Endpoint, form: Format) -> None:
        self._source = source
        self._form = form
        self._parameter = endpoint.paging.parameter or ""
        self._paging = endpoint.paging
        self._path = endpoint.paging.next or ""
        self._seen: set[object] = set()
        self._sent: object = None

    def first(self) -> Step:
        return Step({})

    def following(self, page: Page) -> Step | None:
        more = more_of(self._source, self._form, page.document, page.count, self._paging)
        if more is False:
            return None
        cursor = scalar_at(self._form, page.document, self._path)
        cursor = text(cursor) if isinstance(cursor, str) else cursor
        if cursor is None or (cursor == "" and not isinstance(cursor, Undeliverable)):
            if more:
                raise SourceRefused(self._source, f"the service says that another page follows, and sends no cursor at {self._path}")
            return None
        if isinstance(cursor, bool | Undeliverable) or not isinstance(cursor, str | int) or len(str(cursor)) > _LONGEST_CURSOR:
            raise SourceRefused(self._source, f"the service sends no cursor at {self._path}")
        if page.count == 0 and cursor == self._sent and not more:
            # Services whose cursor is the last item's key send it again where nothing is behind it.
            return None
        if cursor in self._seen:
            raise SourceRefused(self._source, "the service's cursors lead in a circle")
        self._seen.add(cursor)
        self._sent = cursor
        return Step({self._parameter: cursor})


class _Links:
    starts_anew = False

    def __init__(self, source: str, endpoint: Endpoint, form: Format, client: Client) -> None:
        self._source = source
        self._form = form
        self._client = client
        self._path = endpoint.paging.next
        self._seen: set[str] = set()

    def first(self) -> Step:
        return Step({})

    def following(self, page: Page) -> Step | None:
        link = self._link(page)
        if link is None or link == "":
            return None
        try:
            target = self._client.inside(page.answer.url, link)
        except Outside as error:
            raise SourceRefused(self._source, "the service's link to the next page leads out of the source's address") from error
        if target in self._seen:
            raise SourceRefused(self._source, "the service's links lead in a circle")
        self._seen.add(target)
        return Step({}, target)

    def _link(self, page: Page) -> str | None:
        if self._path is None:
            return next_link(page.answer.headers.get_list("link"))
        link = scalar_at(self._form, page.document, self._path)
        if link is None or isinstance(link, str):
            return link
        raise SourceRefused(self._source, f"the service sends no link at {self._path}")


class _Whole:
    starts_anew = False

    def first(self) -> Step:
        return Step({})

    def following(self, page: Page) -> Step | None:
        return None


def pager(source: str, endpoint: Endpoint, form: Format, client: Client, single: bool) -> Pager:
    """A pager at the beginning of a collection, or for one item."""
    match "none" if single else endpoint.paging.style:
        case "offset":
            return _Offset(source, endpoint, form)
        case "page":
            return _Numbers(source, endpoint, form)
        case "cursor":
            return _Cursors(source, endpoint, form)
        case "link":
            return _Links(source, endpoint, form, client)
    return _Whole()
