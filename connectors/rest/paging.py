"""How one page leads to the next, in each of the styles that an endpoint can declare."""

from __future__ import annotations

from typing import Protocol

from connectors.errors import SourceRefused
from connectors.rest.answers import Format
from connectors.rest.client import Client
from connectors.rest.endpoint import Endpoint
from connectors.rest.following import Cursors, Links
from connectors.rest.pages import Page, Step
from connectors.rest.telling import more_of, number_at


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
            return Cursors(source, endpoint, form)
        case "link":
            return Links(source, endpoint, form, client)
    return _Whole()
