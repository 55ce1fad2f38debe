"""A person's first minutes with GraphiQL on a real hub: the token helper, completion, documentation, a query; no address but the hub's."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.console.chromium import Page, open_page
from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.xdist_group("hub")]

QUERY_EDITOR = ".graphiql-query-editor .view-lines"
HEADER_EDITOR = ".graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines"
RESPONSE = ".graphiql-response .view-lines"


def foreign(page: Page, origin: str) -> list[str]:
    """The addresses asked for that are neither the hub's nor inside the page."""
    return [sent.url for sent in page.requests if urlsplit(sent.url).scheme not in ("data", "blob", "about") and not sent.url.startswith(f"{origin}/")]


async def test_graphiql_as_housing(hub: RunningHub, tmp_path: Path) -> None:
    async with open_page() as page:
        await page.goto(f"{hub.base}/graphql")
        await page.wait_for_text("query Catalog", QUERY_EDITOR)
        await page.click("[data-application=housing] button")
        await page.wait_for_text('"Authorization": "Bearer ', HEADER_EDITOR)
        await page.wait_for_text("使用中", "[data-application=housing]")
        await page.screenshot(tmp_path / "1-helper.png")

        await page.click(".graphiql-sidebar button[aria-label*='Documentation Explorer']")
        await page.click(".graphiql-doc-explorer a", "Query")
        await page.wait_for_text("civilAffairs", ".graphiql-doc-explorer")
        await page.click(".graphiql-doc-explorer a", "CivilAffairs")
        await page.wait_for_text("persons", ".graphiql-doc-explorer")
        await page.wait_for_text("市民政局", ".graphiql-doc-explorer")
        await page.screenshot(tmp_path / "2-docs.png")

        await page.click(".graphiql-tab-add")
        await page.wait_for_text("housing-eligibility", HEADER_EDITOR)
        await page.click(QUERY_EDITOR)
        await page.type("{ civ")
        await page.wait_for_text("civilAffairs", ".suggest-widget.visible")
        await page.screenshot(tmp_path / "3-completion.png")
        await page.press("Enter")
        await page.type(" { persons(first: 2) { nodes { name pho")
        await page.wait_for_text("phone", ".suggest-widget.visible")
        await page.press("Enter")
        await page.press("Escape")
        await page.press("Enter", ctrl=True)
        await page.wait_for_text('"receipt"', RESPONSE)
        await page.wait_for_text("****", RESPONSE)
        await page.screenshot(tmp_path / "4-answer.png")
        assert hub.rows("civil_affairs", "SELECT name FROM person WHERE district = '520102' ORDER BY person_id")[0][0] in await page.text(RESPONSE)
        assert "adoption" not in await page.text()

        assert foreign(page, hub.base) == []
        assert page.errors == []


async def test_graphiql_of_governance_as_the_security_administrator(hub: RunningHub, tmp_path: Path) -> None:
    async with open_page() as page:
        await page.goto(f"{hub.base}/governance/graphql")
        await page.wait_for_text("query Governance", QUERY_EDITOR)
        await page.screenshot(tmp_path / "1-governance.png")
        await page.click("[data-application=security_admin] button")
        await page.wait_for_text("使用中", "[data-application=security_admin]")
        await page.click(".graphiql-execute-button")
        await page.wait_for_text('"data"', RESPONSE)
        await page.screenshot(tmp_path / "2-answer.png")
        assert '"errors"' not in await page.text(RESPONSE)
        assert foreign(page, hub.base) == []
        assert [error for error in page.errors if "401" not in error] == []
