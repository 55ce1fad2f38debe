"""The browser's network log sees what a page and its workers ask for, and what a policy stops: else the console's tests would prove nothing."""

from __future__ import annotations

import pytest

from tests.console.chromium import Navigated, open_page
from tests.console.city import serving

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

WORKER = "new Worker(URL.createObjectURL(new Blob([`fetch('http://from-a-worker.invalid/')`])))"


async def test_the_log_holds_addresses_of_pages_and_workers() -> None:
    async with serving() as origin, open_page() as page:
        await page.goto(f"{origin}/console/assets/absent")
        await page.evaluate("void (new Image().src = 'http://from-a-page.invalid/')")
        await page.evaluate(f"void (globalThis.kept = {WORKER})")
        await page.wait_for("performance.now() > 1000")
        urls = {sent.url for sent in page.requests}
        assert {"http://from-a-page.invalid/", "http://from-a-worker.invalid/"} <= urls


async def test_what_the_policy_stops_is_an_error() -> None:
    async with serving() as origin, open_page() as page:
        await page.goto(f"{origin}/graphql")
        await page.evaluate("void document.head.append(Object.assign(document.createElement('script'), {src: 'http://elsewhere.invalid/a.js'}))")
        await page.wait_for("performance.now() > 1000")
        assert any("Content Security Policy" in error for error in page.errors)


async def test_whoever_waits_for_a_page_that_goes_elsewhere_asks_the_next_one() -> None:
    async with serving() as origin, open_page() as page:
        await page.goto(f"{origin}/graphql")
        there = "location.pathname === '/console/assets/absent'"
        assert await page.wait_for(f"{there} || (location.href = '/console/assets/absent', new Promise(() => {{}}))")
        with pytest.raises(Navigated):
            await page.evaluate("location.href = '/graphql', new Promise(() => {})")
