"""Where a source's lists are rendered is a setting of the manifest, that of the hub unless it says otherwise."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hub.catalog.build import source_config
from hub.catalog.manifest import SourcePart

pytestmark = pytest.mark.fast
SOURCE = {"code": "register", "kind": "sql", "url": "postgresql+asyncpg://reader@host/db", "pool": 3, "queue": 4, "timeout_ms": 500, "local_rows": 600}


@pytest.mark.parametrize(("given", "expected"), [({}, "hub"), ({"rendering": "hub"}, "hub"), ({"rendering": "source"}, "source")])
def test_the_setting_reaches_the_source(given: dict[str, str], expected: str) -> None:
    config = source_config("d", SourcePart.model_validate(SOURCE | given))
    assert (config.rendering, config.pool, config.queue, config.timeout_ms, config.local_rows) == (expected, 3, 4, 500, 600)


def test_another_place_is_refused() -> None:
    with pytest.raises(ValidationError, match="rendering"):
        SourcePart.model_validate(SOURCE | {"rendering": "browser"})
