"""A person's work in the console, with a real browser; no address but the server's own is ever asked for."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.console.chromium import Page, open_page
from tests.console.city import ANSWER, TOKEN, serving

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

QUERY_EDITOR = ".graphiql-query-editor .view-lines"
HEADER_EDITOR = ".graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines"
RESPONSE = ".graphiql-response .view-lines"
STORED = "JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])"


def foreign(page: Page, origin: str) -> list[str]:
    """The addresses asked for that are neither the server's nor inside the page."""
    return [sent.url for sent in page.requests if urlsplit(sent.url).scheme not in ("data", "blob", "about") and not sent.url.startswith(f"{origin}/")]


async def test_token_helper_docs_completion_and_run_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with serving() as origin, open_page() as page:
        await page.goto(f"{origin}/graphql")
        await page.wait_for_text("住房和城乡建设局", ".huitong-helper")
        await page.wait_for_text("query Catalog", QUERY_EDITOR)

        await page.click("[data-application=housing] button")
        await page.wait_for_text(f'"Authorization": "Bearer {TOKEN}"', HEADER_EDITOR)
        await page.wait_for_text("使用中", "[data-application=housing]")
        await page.screenshot(tmp_path / "helper.png")

        await page.click(".graphiql-sidebar button[aria-label*='Documentation Explorer']")
        await page.click(".graphiql-doc-explorer a", "Query")
        await page.wait_for_text("civilAffairs", ".graphiql-doc-explorer")
        await page.wait_for_text("民政局", ".graphiql-doc-explorer")
        await page.screenshot(tmp_path / "docs.png")

        await page.click(".graphiql-tab-add")
        await page.wait_for_text(TOKEN, HEADER_EDITOR)
        await page.click(".graphiql-query-editor .view-lines")
        await page.type("{ civ")
        await page.wait_for_text("civilAffairs", ".suggest-widget.visible")
        await page.screenshot(tmp_path / "completion.png")
        await page.press("Enter")
        await page.type(" { persons { name ")
        await page.press("Escape")
        await page.press("Enter", ctrl=True)
        await page.wait_for_text(ANSWER, RESPONSE)
        await page.screenshot(tmp_path / "answer.png")

        assert foreign(page, origin) == []
        assert page.errors == []
        assert {"graphql", "json", "editor"} <= {Path(urlsplit(sent.url).path).name.split(".worker")[0] for sent in page.requests if ".worker" in sent.url}
        assert TOKEN not in await page.evaluate(STORED)


async def test_requests_carry_the_console_language_and_the_chosen_purpose() -> None:
    async with serving() as origin, open_page(language="en-US") as page:
        await page.goto(f"{origin}/graphql")
        await page.wait_for_text("Act as one of the demo applications", ".huitong-helper")
        await page.click(".huitong-language", "中文")
        await page.wait_for_text("以演示应用的身份访问", ".huitong-helper")
        await page.evaluate(
            "(s => { Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value').set.call(s, 'housing.audit');"
            " s.dispatchEvent(new Event('change', {bubbles: true})) })(document.querySelector('[data-application=housing] select'))"
        )
        await page.click("[data-application=housing] button")
        await page.wait_for_text("housing.audit", HEADER_EDITOR)
        await page.wait_for_text("使用中", "[data-application=housing]")
        sent = [each for each in page.requests if each.method == "POST" and each.url == f"{origin}/graphql"][-1]
        headers = {name.lower(): value for name, value in sent.headers.items()}
        assert (headers["huitong-purpose"], headers["accept-language"]) == ("housing.audit", "zh-CN")
        assert headers["huitong-operator"] == quote("李经办")


def introspections(page: Page) -> list[str | None]:
    """The departments to which each reading of the schema was limited."""
    sent = [each for each in page.requests if each.method == "POST" and each.url.endswith("/graphql")]
    return [next((value for name, value in each.headers.items() if name.lower() == "huitong-departments"), None) for each in sent]


async def test_of_many_departments_the_schema_of_those_chosen_is_read(tmp_path: Path) -> None:
    async with serving(large=True) as origin, open_page() as page:
        await page.goto(f"{origin}/graphql")
        await page.wait_for_text("您可见 30 个部门", ".huitong-hint")
        assert introspections(page) == [None, ""]
        await page.click(".huitong-hint button", "选取部门")
        await page.wait_for_text("第30局", ".huitong-picker")
        assert "catalog" not in await page.text(".huitong-picker")
        await page.click(".huitong-picker input[type=search]")
        await page.type("第7局")
        await page.wait_for("document.querySelectorAll('.huitong-picker li').length === 1")
        await page.click("[data-department=bureau7]")
        await page.wait_for_text("已选 1", ".huitong-picker")
        await page.screenshot(tmp_path / "picker.png")
        await page.click(".huitong-picker button", "读取所选部门")
        await page.wait_for("document.querySelector('.huitong-hint') === null")
        await page.click(".graphiql-sidebar button[aria-label*='Documentation Explorer']")
        await page.click(".graphiql-doc-explorer a", "Query")
        await page.wait_for_text("bureau7", ".graphiql-doc-explorer")
        await page.screenshot(tmp_path / "chosen.png")
        assert "bureau8" not in await page.text(".graphiql-doc-explorer")
        assert introspections(page) == [None, "", None, "bureau7"]

        await page.goto(f"{origin}/graphql")
        await page.click(".graphiql-sidebar button[aria-label*='Departments']")
        await page.wait_for("document.querySelector('[data-department=bureau7] input')?.checked")
        await page.click(".huitong-language", "English")
        await page.wait_for_text("You see 30 departments", ".huitong-picker")
        assert introspections(page)[-1] == "bureau7"
        assert foreign(page, origin) == []
        assert page.errors == []


async def test_few_departments_are_read_whole() -> None:
    async with serving() as origin, open_page() as page:
        await page.goto(f"{origin}/graphql")
        await page.click("[data-application=housing] button")
        await page.wait_for_text("使用中", "[data-application=housing]")
        await page.click(".graphiql-sidebar button[aria-label*='Departments']")
        await page.wait_for_text("您可见 1 个部门，其结构已全部读取")
        assert set(introspections(page)) == {None}


async def test_stop_ends_the_request_so_that_the_server_can_cancel() -> None:
    async with serving() as origin, open_page() as page:
        await page.goto(f"{origin}/graphql")
        await page.wait_for_text("query Catalog", QUERY_EDITOR)
        await page.click(".graphiql-tab-add")
        await page.click(QUERY_EDITOR)
        await page.type("{ endless ")
        # The list of suggestions opens when it has been thought of, over the button.
        await page.wait_for("document.querySelector('.suggest-widget.visible')?.isConnected")
        await page.press("Escape")
        await page.wait_for("!document.querySelector('.suggest-widget.visible')")
        before = len(page.requests)
        await page.press("Enter", ctrl=True)
        # What is stopped before it was sent, the server never hears of.
        await page.wait_for_request(before)
        await page.click("button[aria-label*='Stop']")
        await page.wait_for("fetch('/cancelled').then(r => r.json())")


async def test_refused_introspection_says_what_to_do_and_asks_once(tmp_path: Path) -> None:
    async with serving() as origin, open_page() as page:
        await page.goto(f"{origin}/governance/graphql")
        await page.wait_for_text("401 Unauthorized · 需要令牌", ".huitong-hint")
        await page.wait_for_text("没有可用于此接口的演示应用", ".huitong-helper")
        assert "令牌助手" in await page.text(".huitong-hint")
        await page.wait_for_text("query Governance", QUERY_EDITOR)
        await page.screenshot(tmp_path / "refused.png")
        assert len([sent for sent in page.requests if sent.method == "POST"]) == 1

        await page.click(".huitong-language", "English")
        await page.wait_for_text("The schema could not be read", ".huitong-hint")
        assert foreign(page, origin) == []


async def test_a_failed_token_request_is_told_and_leaves_the_headers() -> None:
    async with serving() as origin, open_page() as page:
        await page.goto(f"{origin}/graphql")
        await page.click("[data-application=bank] button")
        await page.wait_for_text("没有名为 bank 的演示应用", ".huitong-error")
        assert "Authorization" not in await page.text(HEADER_EDITOR)


async def test_documents_do_not_outlive_the_tab_nor_cross_endpoints() -> None:
    async with serving() as origin, open_page() as page:
        await page.goto(f"{origin}/graphql")
        await page.wait_for_text("query Catalog", QUERY_EDITOR)
        await page.goto(f"{origin}/governance/graphql")
        await page.wait_for_text("query Governance", QUERY_EDITOR)
        kept = json.loads(await page.evaluate("JSON.stringify(Object.keys(localStorage))"))
        assert [key for key in kept if key != "huitong:language"] == []
