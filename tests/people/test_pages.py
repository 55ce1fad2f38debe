"""The pages' headers and forms, and where a login may lead."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
import pytest

from hub.people.web import NEXT_PATHS, login_address, safe_next
from tests.people.house import OWN, House

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
TEMPLATES = sorted(Path("hub/people/templates").glob("*.html"))

GOOD = ["/account", "/graphql", "/governance/graphql", "/oauth/authorize?client_id=a&redirect_uri=https%3A%2F%2Fportal.example%2Fback&state=x"]
EVIL = [
    *("//evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example", "https://evil.example", "http:/evil.example", "///evil.example"),
    *("/%2Fevil.example", "/%5Cevil.example", "%2F%2Fevil.example", "/account/../..//evil.example", "/account//evil.example", "/account@evil.example"),
    *("javascript:alert(1)", "data:text/html,x", "/graphql#https://evil.example", " /account", "/account ", "/account\r\nset-cookie: a=b", "/account\t"),
    *("//evil.example/account", "/account;//evil.example", "/oauth/authorize/", "/account/logout", "", "?next=//evil.example", "/аccount", "/account\x00"),
    *("//evil.example\\@127.0.0.1/account", "http://127.0.0.1:8000/account", "//[::1", "/" + "a" * 5000),
]


async def test_a_login_leads_on_to_a_page_of_the_hub_and_nowhere_else(house: House) -> None:
    house.enrolled()
    for path in GOOD:
        page = await house.http.get(login_address(path))
        assert f'name="next" value="{path.replace("&", "&amp;")}"' in page.text
        assert (await house.login(next=path)).headers["location"] == path
        house.clock.move(seconds=30)
    for path in EVIL:
        page = await house.http.get("/account/login", params={"next": path})
        assert 'name="next" value="/account"' in page.text, path
    assert (await house.login(next="//evil.example")).headers["location"] == "/account"


@pytest.mark.parametrize("path", EVIL)
def test_other_places_are_none(path: str) -> None:
    assert safe_next(path) == "/account"
    assert login_address(path) == "/account/login?next=%2Faccount"


def test_the_places_are_few() -> None:
    assert NEXT_PATHS == ("/account", "/oauth/authorize", "/graphql", "/governance/graphql")


async def test_pages_are_kept_nowhere_and_framed_nowhere(house: House) -> None:
    house.enrolled()
    cookie = await house.logged_in()
    for path in ("/account/login", "/account/enrol", "/account"):
        check_headers(await house.http.get(path, headers=cookie))


def check_headers(answer: httpx2.Response) -> None:
    policy = dict(part.partition(" ")[::2] for part in answer.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "data:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_neither_scripts_nor_styles(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:|https?://|\|\s*safe", text)


async def test_the_style_is_a_file_of_the_hub(house: House) -> None:
    answer = await house.http.get("/account/assets/account.css")
    assert answer.headers["content-type"].startswith("text/css")


async def test_what_a_person_is_called_is_text(house: House) -> None:
    house.enrolled()
    with house.core.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE person SET display_name = '<img src=x onerror=alert(1)>'")
    page = await house.account(await house.logged_in())
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
    assert "<img" not in page.text


BODIES = {
    "not a form": (b'{"name": "a"}', "application/json", 415),
    "too large": (b"name=" + b"a" * 9000, "application/x-www-form-urlencoded", 413),
    "a field twice": (b"name=a&name=b", "application/x-www-form-urlencoded", 400),
    "no form at all": (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
    "many fields": (b"&".join(b"a%d=1" % n for n in range(100)), "application/x-www-form-urlencoded", 400),
}


async def test_bodies_that_are_no_small_form_are_refused(house: House) -> None:
    for which, (body, media, status) in BODIES.items():
        answer = await house.http.post("/account/login", content=body, headers={**OWN, "content-type": media})
        assert answer.status_code == status, which
        assert "未能完成" in answer.text
