"""A person enrols, logs in, changes the password and logs out in Chromium, under the pages' own policy."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pyotp
import pytest
import uvicorn
from argon2 import PasswordHasher
from sqlalchemy import update
from starlette.applications import Starlette

from hub.core import Core
from hub.people.pages import AccountPages
from hub.people.passwords import Passwords
from hub.people.tables import person
from tests.catalog.homes import CONSOLE, new_core
from tests.console.chromium import Page, open_page
from tests.people.house import CHEAP, DU, PASSWORD, REN

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
NEW = "杨柳-mountain-88-kettle"


@asynccontextmanager
async def serving(core: Core) -> AsyncIterator[str]:
    """The pages on a port of their own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        pages = AccountPages(replace(core, settings=core.settings.model_copy(update={"port": port})), passwords=Passwords(PasswordHasher(**CHEAP)))
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=pages.routes()), log_level="warning", lifespan="off"))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await task


async def fill(page: Page, **fields: str) -> None:
    """Types into fields by name."""
    for name, text in fields.items():
        await page.click(f"input[name={name}]")
        await page.type(text)


def unused(core: Core, totp: pyotp.TOTP) -> str:
    """The present code, as if the last one had been of long ago: nobody waits half a minute here."""
    with core.engine.begin() as connection:
        connection.execute(update(person).values(totp_step=0))
    return totp.now()


async def test_a_person_enrols_logs_in_and_out(tmp_path: Path) -> None:
    with new_core(tmp_path) as core:
        core.catalog.create_department(CONSOLE, code="housing", name="市住建局", uscc="11520100009395416E")
        proposal = core.people.propose(REN, "zhang.wei", "张伟", "housing", ["governance:steward"]).code
        invitation = core.people.approve(DU, "zhang.wei").code
        async with serving(core) as origin, open_page((900, 1000)) as page:
            await page.goto(f"{origin}/account/enrol")
            await fill(page, invitation=invitation, proposal=proposal)
            await page.screenshot(tmp_path / "invitation.png")
            await page.click("button")
            secret = (await page.wait_for("document.querySelector('.secret code')?.innerText")).replace(" ", "")
            assert await page.wait_for("document.querySelector('img').naturalWidth") > 100
            await fill(page, new=PASSWORD, again=PASSWORD, code="000000")
            await page.screenshot(tmp_path / "enrol.png")
            await page.click("button")
            await page.wait_for_text("验证码不正确", ".problems")
            totp = pyotp.TOTP(secret)
            await fill(page, new=PASSWORD, again=PASSWORD, code=totp.now())
            await page.click("button")
            await page.wait_for_text("可登录")
            await page.click("a.button")
            await page.wait_for("location.pathname === '/account/login' && document.readyState === 'complete'")
            await page.screenshot(tmp_path / "login.png")
            await fill(page, name="zhang.wei", password=PASSWORD, code="000000")
            await page.click("main button")
            await page.wait_for_text("登录未成功", ".problems")
            await page.screenshot(tmp_path / "refused.png")
            await fill(page, name="zhang.wei", password=PASSWORD, code=unused(core, totp))
            await page.click("main button")
            await page.wait_for_text("更改口令", "h2")
            await page.screenshot(tmp_path / "account.png")
            assert await page.evaluate("document.cookie") == ""
            await fill(page, password=PASSWORD, code=unused(core, totp), new=NEW, again=NEW)
            await page.evaluate("globalThis.before = true")
            await page.click("main button")
            await page.wait_for("!globalThis.before && document.readyState === 'complete'")
            assert await page.text(".problems") == ""
            await page.click("header button")
            await page.wait_for("location.pathname === '/account/login'")
            await page.goto(f"{origin}/account")
            assert await page.evaluate("location.pathname") == "/account/login"
            assert [error for error in page.errors if "status of 400" not in error] == []
            assert {sent.url.split("/")[2] for sent in page.requests if sent.url.startswith("http")} == {origin.partition("//")[2]}
