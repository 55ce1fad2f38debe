"""Pages that lead to the next one themselves: by a cursor, or by a link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.errors import SourceRefused
from connectors.rest.answers import Format
from connectors.rest.charsets import encodable
from connectors.rest.client import Client
from connectors.rest.endpoint import Endpoint
from connectors.rest.links import Outside, in_charset, next_link, without_host
from connectors.rest.pages import Page, Step
from connectors.rest.telling import more_of, scalar_at
from connectors.rest.values import text
from connectors.selection import Undeliverable

_LONGEST_CURSOR = 4096


class Cursors:
    """Sends back what each answer holds at a path. See :class:`connectors.rest.paging.Pager`."""

    starts_anew = False

    def __init__(self, source: str, endpoint: Endpoint, form: Format) -> None:
        self._source = source
        self._form = form
        self._parameter = endpoint.paging.parameter or ""
        self._paging = endpoint.paging
        self._path = endpoint.paging.next or ""
        self._charset = endpoint.request_charset
        self._seen: set[object] = set()
        self._sent: object = None

    def first(self) -> Step:
        """As the service begins by itself."""
        return Step({})

    def following(self, page: Page) -> Step | None:
        """What this page's cursor leads to; ``None`` where there is no more.

        Raises:
            SourceRefused: a cursor is missing though more was told of, is none, or was there before.
        """
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
        if not encodable(str(cursor), self._charset):
            raise SourceRefused(self._source, f"the service's cursor at {self._path} holds characters that `request_charset` does not have")
        if page.count == 0 and cursor == self._sent and not more:
            # Services whose cursor is the last item's key send it again where nothing is behind it.
            return None
        if cursor in self._seen:
            raise SourceRefused(self._source, "the service's cursors lead in a circle")
        self._seen.add(cursor)
        self._sent = cursor
        return Step({self._parameter: cursor})


class Links:
    """Goes where each answer says. See :class:`connectors.rest.paging.Pager`."""

    starts_anew = False

    def __init__(self, source: str, endpoint: Endpoint, form: Format, client: Client) -> None:
        self._source = source
        self._form = form
        self._client = client
        self._path = endpoint.paging.next
        self._relative = endpoint.paging.relative
        self._charset = endpoint.request_charset
        self._seen: set[str] = set()

    def first(self) -> Step:
        """As the service begins by itself."""
        return Step({})

    def following(self, page: Page) -> Step | None:
        """Where this page's link leads; ``None`` where there is none.

        Raises:
            SourceRefused: it leads out of the source's address, or where one before it did.
        """
        link = self._link(page)
        if link is None or link == "":
            return None
        if not encodable(link, self._charset):
            raise SourceRefused(self._source, "the service's link to the next page holds characters that `request_charset` does not have")
        try:
            target = self._client.inside(page.answer.url, in_charset(without_host(link) if self._relative else link, self._charset))
        except Outside as error:
            words = "the service's link to the next page leads out of the source's address"
            remedy = "" if self._relative else "; where it names the service itself by another host, write `relative = true` in `paging`"
            raise SourceRefused(self._source, f"{words}{remedy}") from error
        if target in self._seen:
            raise SourceRefused(self._source, "the service's links lead in a circle")
        self._seen.add(target)
        return Step({}, target)

    def _link(self, page: Page) -> str | None:
        if self._path is None:
            return next_link(page.answer.headers.get_list("link"))
        link = scalar_at(self._form, page.document, self._path)
        if link is None or link == "" or isinstance(link, list):
            links = self._form.items(page.document, self._path) or []
            return self._related(links, told=isinstance(link, list) or len(links) > 1)
        if isinstance(link, str):
            return link
        raise SourceRefused(self._source, f"the service sends no link at {self._path}")

    def _related(self, links: Sequence[Any], told: bool) -> str | None:
        """The link to the next page among those that tell their relations, as they must where ``told``: of OGC API, of FHIR, or of Atom."""
        relations = [self._member(link, "rel", "relation", "@rel") for link in links]
        if told and links and not any(relations):
            raise SourceRefused(self._source, f"the links at {self._path} do not tell by `rel` or `relation` which one leads to the next page")
        following = [link for link, relation in zip(links, relations, strict=True) if relation is not None and "next" in relation.lower().split()]
        target = self._member(following[0], "href", "url", "@href") if following else None
        if following and not target:
            raise SourceRefused(self._source, f"the link to the next page at {self._path} holds no address in `href` or `url`")
        return target

    def _member(self, link: Any, *names: str) -> str | None:
        found = [scalar_at(self._form, link, name) for name in names] if self._form.is_item(link) else []
        return next((each for each in found if isinstance(each, str)), None)
