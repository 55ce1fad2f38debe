"""A person logs in to GraphiQL with password and one-time code, governs, acts for an application, and logs out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlencode

import pytest

from hub.acts import Actor
from hub.people.authorize_clients import AuthorizedClients
from tests.acceptance.test_browser import QUERY_EDITOR, RESPONSE, foreign
from tests.console.chromium import Page, open_page
from tests.hub.running import RunningHub
from tests.people.signing_in import APPROVER, PASSWORD, Enrolled, beside, enrol, give_application

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.xdist_group("hub")]
SYSTEM = Actor("console", None, frozenset({"governance:system"}))
PURPOSES = [{"code": "housing.review", "scenario": "审核", "basis": "办法"}]
STATUS = ".huitong-login [role=status]"


async def _log_in(page: Page, person: Enrolled, shots: Path) -> None:
    await page.wait_for("location.pathname === '/account/login' && document.readyState === 'complete'")
    for name, value in (("name", person.name), ("password", PASSWORD), ("code", person.code())):
        await page.click(f"input[name={name}]")
        await page.type(value)
    await page.screenshot(shots / "login.png")
    await page.click("form button", "登录")


async def test_a_person_logs_in_governs_acts_for_an_application_and_logs_out(hub: RunningHub, tmp_path: Path) -> None:
    with beside(hub) as core:
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
        await page.click(".huitong-login button", "登录")
        await _log_in(page, person, tmp_path)
        await page.wait_for_text("张伟", STATUS)

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

        with beside(hub) as core:
            AuthorizedClients(core.acts).set_owner(APPROVER, "housing", None)
        for _ in range(50):
            await page.evaluate("document.querySelector('.graphiql-execute-button').click()")
            await page.wait_for("document.querySelector('.graphiql-execute-button').ariaLabel.startsWith('Execute')")
            await asyncio.sleep(0.2)
            if "登录已过期" in await page.text(STATUS):
                break
        assert "重新登录" in await page.text(".huitong-login")

        await page.click(".huitong-login button", "退出")
        await page.wait_for("[...document.querySelectorAll('.huitong-login button')].some(each => each.textContent === '登录')")
        await page.click(".huitong-login button", "登录")
        await page.wait_for("location.pathname === '/account/login'")
        assert foreign(page, hub.base) == []
        # Before the login the schema of governance is refused.
        assert [error for error in page.errors if "401" not in error] == []


async def test_a_browser_goes_back_to_another_place_after_login_and_after_consent(hub: RunningHub, tmp_path: Path) -> None:
    """The pages' policies let it: a policy on forms holds for the redirects that answer them too."""
    with beside(hub) as core:
        person = enrol(core, "zhang.consent", "housing", ["governance:steward"])
        made = core.sharing.create_application(SYSTEM, "consent_portal", "housing", PURPOSES, [])
        AuthorizedClients(core.acts).set_redirect_uris(SYSTEM, "consent_portal", ["http://127.0.0.1/code"])
    back = "http://127.0.0.1:9/code"
    known = {"response_type": "code", "client_id": made.client_id, "redirect_uri": back, "code_challenge": "a" * 43, "code_challenge_method": "S256"}
    async with open_page() as page:
        await page.goto(f"{hub.base}/oauth/authorize?{urlencode({**known, 'scope': 'governance:audit'})}")
        await _log_in(page, person, tmp_path)
        await _sent(page, f"{back}?error=invalid_scope")
        await page.goto(f"{hub.base}/oauth/authorize?{urlencode(known)}")
        await page.screenshot(tmp_path / "consent.png")
        await page.click("form button", "同意")
        await _sent(page, f"{back}?code=")


async def _sent(page: Page, start: str) -> None:
    """Waits until the browser asked for an address; nobody answers there."""
    for _ in range(400):
        if any(each.url.startswith(start) for each in page.requests):
            return
        await asyncio.sleep(0.05)
    raise AssertionError([each.url for each in page.requests])
