"""``docs/manifest.md`` and the manifest's models name the same keys."""

from __future__ import annotations

import re
import tomllib

import pytest

from connectors.rest.endpoint import Endpoint
from connectors.rest.faults import endpoint_faults
from hub.catalog.checks import check_manifest
from hub.catalog.manifest import MAX_BYTES, Manifest, read_manifest
from masking.rules import NAMES
from tests.docs.manifest_parts import PARTS, rows
from tests.docs.pages import blocks, page, section, tables

pytestmark = pytest.mark.fast
PAGE = page("docs/manifest.md")


@pytest.mark.parametrize("heading", PARTS)
def test_keys_types_and_defaults(heading: str) -> None:
    """Every key has its row, in the model's order, and a meaning in two languages."""
    listed = tables(section(PAGE, heading))[0][1:]
    assert [tuple(row[:3]) for row in listed] == list(rows(PARTS[heading]))
    for row in listed:
        assert re.search(r"[一-鿿]", row[3]), row
        assert re.search(r"[A-Za-z]{3}", row[3]), row


def test_top_level_and_limits() -> None:
    """What the introduction says."""
    assert list(Manifest.model_fields) == ["department", "sources", "masks", "resources"]
    assert f"at most {MAX_BYTES // 2**20} MiB" in PAGE


def test_every_mask_is_named() -> None:
    """The labels that a manifest may write."""
    named = section(PAGE, "### `mask = {…}`")
    assert [label for label in NAMES if f"`{label}`" not in named] == []


def test_the_example_is_a_good_manifest() -> None:
    """The example can be imported as it stands."""
    text = blocks(PAGE, "toml")[0]
    assert check_manifest(read_manifest(text), text) == []


@pytest.mark.parametrize("name", ["docs/manifest.md", "docs/connectors.md"])
def test_every_endpoint_that_is_shown_is_a_good_one(name: str) -> None:
    """Examples with a path stand as they could be copied."""
    shown = [tomllib.loads(block) for block in blocks(page(name), "toml") if "[resources.endpoint]" in block]
    endpoints = [part["endpoint"] for part in (each["resources"] for each in shown) if isinstance(part, dict) and "path" in part["endpoint"]]
    assert len(endpoints) >= 2
    for endpoint in endpoints:
        assert list(endpoint_faults(Endpoint.model_validate(endpoint))) == []
