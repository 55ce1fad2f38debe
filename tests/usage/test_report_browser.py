"""The page in a real browser, opened from a file: every chart is drawn, nothing is asked for, nothing fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.usage.pages.charts import charts_of
from hub.usage.pages.page import chart_library, render
from tests.console.chromium import open_page
from tests.usage.reports import report

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
DRAWN = "document.documentElement.dataset.charts"
WIDTHS = "[...document.querySelectorAll('figure[data-chart] svg')].map(each => [each.clientWidth, each.parentElement.parentElement.clientWidth])"
SHAPES = "[...document.querySelectorAll('figure[data-chart] svg')].map(each => each.querySelectorAll('path').length)"


async def test_every_chart_is_drawn_and_nothing_is_asked_for(tmp_path: Path) -> None:
    made = report()
    file = tmp_path / "report.html"
    file.write_text(render(made, chart_library()), encoding="utf-8")
    async with open_page((1240, 900)) as page:
        await page.goto(file.as_uri())
        await page.wait_for(DRAWN)
        expected = len(charts_of(made))
        assert await page.evaluate(DRAWN) == str(expected)
        shapes = await page.evaluate(SHAPES)
        assert (len(shapes), min(shapes) > 4) == (expected, True)
        await page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert {width for width, _ in await page.evaluate(WIDTHS)} == {700, 342}
        await page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert all(abs(drawn - place) <= 1 and drawn > 400 for drawn, place in await page.evaluate(WIDTHS))
        await page.screenshot(tmp_path / "report.png")
        assert await page.evaluate("document.querySelectorAll('img, iframe, script[src], link').length") == 0
        assert [sent.url for sent in page.requests] == [file.as_uri()]
        assert page.errors == []
