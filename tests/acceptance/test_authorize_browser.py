"""A person logs in to GraphiQL with password and one-time code, governs, acts for an application, and logs out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.test_browser import QUERY_EDITOR, RESPONSE, foreign
from tests.console.chromium import Page, open_page
from tests.hub.running import RunningHub
from tests.people.signing_in import PASSWORD, Enrolled, beside, enrol, give_application

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.xdist_group("hub")]
STATUS = ".huitong-login [role=status]"


async def _log_in(page: Page, person: Enrolled, shots: Path) -> None:
    await page.click(".huitong-login button", "登录")
    await page.wait_for("location.pathname === '/account/login'")
    for name, value in (("name", person.name), ("password", PASSWORD), ("code", person.code())):
        await page.click(f"input[name={name}]")
        await page.type(value)
    await page.screenshot(shots / "login.png")
    await page.click("form button", "登录")
    await page.wait_for_text("张伟", STATUS)


async def test_a_person_logs_in_governs_acts_for_an_application_and_logs_out(hub: RunningHub, tmp_path: Path) -> None:
    with beside(hub.home) as core:
        person = enrol(core, "zhang.browser", "housing", ["governance:steward", "governance:owner"])
        give_application(core, person, "housing")
    async with open_page() as page:
        await page.goto(f"{hub.base}/governance/graphql")
        await page.wait_for_text("query Governance", QUERY_EDITOR)
        await page.click(".graphiql-tab-add")
        await page.click(QUERY_EDITOR)
        await page.press("a", ctrl=True)
        await page.type("query Draft { me { application scopes ")
        await page.wait_for("Object.values(sessionStorage).some(text => text.includes('Draft'))")
        await page.press("Escape")
        await _log_in(page, person, tmp_path)

        assert await page.evaluate("location.pathname + location.search") == "/governance/graphql"
        await page.wait_for_text("query Draft", QUERY_EDITOR)
        await page.click(".graphiql-execute-button")
        await page.wait_for_text("zhang.browser", RESPONSE)
        await page.wait_for_text("governance:steward", RESPONSE)
        await page.screenshot(tmp_path / "governance.png")
        stored = await page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
        assert "eyJ" not in stored
        assert "verifier" not in stored

        await page.click(".huitong-header nav a", "/graphql")
        await page.wait_for("location.pathname === '/graphql' && document.readyState === 'complete'")
        await page.wait_for_text("张伟", STATUS)
        await page.evaluate("""(() => {
          const select = document.querySelector('.huitong-login select');
          select.value = 'housing';
          select.dispatchEvent(new Event('change', { bubbles: true }));
        })()""")
        await page.wait_for("document.querySelector('.huitong-login select')?.value === 'housing' && document.querySelectorAll('.graphiql-tab-add').length")
        await page.click(".graphiql-tab-add")
        await page.click(QUERY_EDITOR)
        await page.press("a", ctrl=True)
        await page.type("{ me { application ")
        await page.press("Escape")
        await page.press("Enter", ctrl=True)
        await page.wait_for_text('"housing"', RESPONSE)
        await page.screenshot(tmp_path / "acting.png")

        await page.click(".huitong-login button", "退出")
        await page.wait_for("[...document.querySelectorAll('.huitong-login button')].some(each => each.textContent === '登录')")
        await page.click(".huitong-login button", "登录")
        await page.wait_for("location.pathname === '/account/login'")
        assert foreign(page, hub.base) == []
        # Before the login the schema of governance is refused.
        assert [error for error in page.errors if "401" not in error] == []
