"""REST services in other styles: XML by page number, and JSON searches by POST with a cursor."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.registry import open_source
from connectors.selection import Binding, Row
from connectors.spi import SourceConfig
from tests.connectors.service_server import served
from tests.connectors.service_styles import Styles
from tests.connectors.stands.stand import Opening, People, Stand

XML: dict[str, object] = {
    "path": "/people.xml",
    "format": "xml",
    "items": "people.person",
    "limit": "pageSize",
    "max_page": 4,
    "paging": {"style": "page", "parameter": "pageNum"},
    "filters": {"district": "district"},
    "keys": {"id_number": {"parameter": "id", "style": "repeated", "most": 200}},
    "sorted_by": "record_no",
    "after": "after",
}
SEARCH: dict[str, object] = {
    "path": "/search",
    "method": "POST",
    "safe": True,
    "body": {"fields": ["*"]},
    "items": "hits.list",
    "limit": "size",
    "max_page": 4,
    "paging": {"style": "cursor", "parameter": "cursor", "next": "next"},
    "filters": {"district": "where.district", "active": "where.active"},
    "keys": {"id_number": {"parameter": "where.ids", "style": "array", "most": 500}},
}


def bound(description: dict[str, object], **changes: object) -> Binding:
    """A binding to the endpoint, with some of its description changed or, where ``None``, left out."""
    changed = {name: value for name, value in {**description, **changes}.items() if value is not None}
    return Binding(str(changed["path"]), json.dumps(changed, sort_keys=True))


def _opening(name: str, description: dict[str, object], suffix: str) -> Opening:
    @asynccontextmanager
    async def opened(request: pytest.FixtureRequest, _directory: Path, rows: Sequence[Row]) -> AsyncIterator[People]:
        service = Styles(list(rows))

        async def insert(row: Row) -> None:
            service.rows = sorted([*service.rows, row])

        with served(request, service.application()) as address:
            config = SourceConfig("city.register", "rest", address)
            source = open_source(config)
            binding, empty, missing, slow = (
                bound(description, path=path) for path in (str(description["path"]), f"/nobody{suffix}", f"/missing{suffix}", f"/slow{suffix}")
            )
            try:
                yield People(name, config, source, binding, empty, missing, slow, insert)
            finally:
                await source.close()

    return opened


STANDS = [Stand("rest, XML", _opening("rest, XML", XML, ".xml"), place=41), Stand("rest, POST", _opening("rest, POST", SEARCH, ""), place=42)]
