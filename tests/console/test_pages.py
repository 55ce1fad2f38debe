"""The console's responses: the page by endpoint and mode, its headers, and what is said when it was not built."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from hub.console.pages import Endpoint, assets_route, demo_routes, page
from hub.hosts import AllowedHosts
from tests.console.city import TOKEN, applications, issue

pytestmark = pytest.mark.fast

TEMPLATE = '<meta name="huitong-endpoint" content="{{endpoint}}" /><meta name="huitong-demo" content="{{demo}}" />'


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-0a1b.js").write_text("export {}")
    (tmp_path / "index.html").write_text(TEMPLATE)
    return tmp_path


@pytest.fixture
def client(dist: Path) -> TestClient:
    return TestClient(Starlette(routes=[assets_route(dist), *demo_routes(applications, issue, AllowedHosts())]))


@pytest.mark.parametrize(("endpoint", "demo", "flag"), [("data", True, "1"), ("governance", False, "0")])
def test_the_page_is_told_its_endpoint_and_mode(dist: Path, endpoint: Endpoint, demo: bool, flag: str) -> None:
    body = bytes(page(endpoint, demo, dist).body).decode()
    assert body == f'<meta name="huitong-endpoint" content="{endpoint}" /><meta name="huitong-demo" content="{flag}" />'


def test_the_page_may_load_and_run_only_what_is_its_own(dist: Path) -> None:
    headers = page("data", False, dist).headers
    policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert "unsafe-eval" not in headers["Content-Security-Policy"]
    assert "http" not in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"], headers["Cache-Control"]) == ("nosniff", "no-referrer", "no-cache")


def test_an_unbuilt_console_says_how_to_build_it(tmp_path: Path) -> None:
    response = page("data", False, tmp_path)
    body = bytes(response.body).decode()
    assert response.status_code == 503
    assert "控制台尚未构建" in body
    assert "The console has not been built" in body
    assert body.count("<code>make build</code>") == 2
    assert "Content-Security-Policy" in response.headers


def test_assets_are_kept_for_good_by_browsers(client: TestClient) -> None:
    response = client.get("/console/assets/index-0a1b.js")
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["absent.js", "../index.html", "%2e%2e/index.html", ""])
def test_nothing_but_assets_is_served(client: TestClient, path: str) -> None:
    assert client.get(f"/console/assets/{path}").status_code == 404


def test_without_a_build_assets_are_absent_and_the_hub_lives(tmp_path: Path) -> None:
    with TestClient(Starlette(routes=[assets_route(tmp_path)])) as client:
        assert client.get("/console/assets/index.js").status_code == 404


def test_demo_applications_are_listed_by_endpoint_without_secrets(client: TestClient) -> None:
    listed = client.get("/console/demo-applications?endpoint=data").json()
    assert [each["name"] for each in listed] == ["housing", "bank"]
    assert set(listed[0]) == {"name", "title", "description", "purposes", "operator"}
    assert client.get("/console/demo-applications?endpoint=governance").json() == []
    assert client.get("/console/demo-applications?endpoint=else").status_code == 400


def test_a_demo_token_comes_with_its_headers_and_is_not_cached(client: TestClient) -> None:
    response = client.post("/console/demo-token", json={"name": "housing"})
    answer = response.json()
    assert (answer["access_token"], answer["expires_in"]) == (TOKEN, 600)
    assert answer["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"name": "nobody"}', 404),
        ("application/json", b'{"name": 1}', 400),
        ("application/json", b"[]", 400),
        ("application/json", b"\xff{", 400),
        ("text/plain", b'{"name": "housing"}', 415),
        ("application/x-www-form-urlencoded", b"name=housing", 415),
    ],
)
def test_other_token_requests_are_refused_with_a_reason(client: TestClient, content_type: str, body: bytes, status: int) -> None:
    response = client.post("/console/demo-token", content=body, headers={"Content-Type": content_type})
    assert response.status_code == status
    assert set(response.json()) == {"message", "messageEn"}
