"""DNS rebinding and redirects to foreign hosts: a request is served under the hub's own names alone."""

from __future__ import annotations

import json

import pytest

from hub.hosts import AllowedHosts, host_of
from hub.settings import SettingsFault, load_settings
from tests.hardening.wire import QUERY, raw, status
from tests.hub.running import RunningHub

JSON = "Content-Type: application/json"
PATHS = [
    ("POST /graphql", QUERY),
    ("POST /governance/graphql", QUERY),
    ("GET /health/live", b""),
    ("POST /console/demo-token", b'{"name": "system_admin"}'),
    ("GET /nothing", b""),
]


@pytest.mark.fast
@pytest.mark.parametrize(
    ("host", "admitted"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8000", True),
        ("LocalHost:1", True),
        ("[::1]:8000", True),
        ("hub.city.example:8443", True),
        ("evil.example", False),
        ("hub.city.example.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("evil.example:127.0.0.1", False),
        ("user@localhost", False),
        ("::1", False),
        ("", False),
    ],
)
def test_names_are_compared_whole(host: str, admitted: bool) -> None:
    hosts = AllowedHosts(["Hub.City.example"])
    assert hosts.admits([(b"accept", b"*/*"), (b"host", host.encode())]) == admitted
    assert hosts.is_own_origin(f"http://{host}") == admitted


@pytest.mark.fast
def test_one_host_header_is_needed() -> None:
    hosts = AllowedHosts()
    assert not hosts.admits([])
    assert not hosts.admits([(b"host", b"localhost"), (b"host", b"evil.example")])
    assert not hosts.is_own_origin("null")
    assert not hosts.is_own_origin("file://localhost")


@pytest.mark.fast
def test_the_setting_takes_names_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_ALLOWED_HOSTS", "hub.city.example, 10.0.0.5 ,[fd00::1]")
    assert load_settings().allowed_hosts == ["hub.city.example", "10.0.0.5", "[fd00::1]"]
    for wrong in ("https://hub.city.example", "hub.city.example:443", "*"):
        monkeypatch.setenv("HUITONG_ALLOWED_HOSTS", wrong)
        with pytest.raises(SettingsFault, match="HUITONG_ALLOWED_HOSTS"):
            load_settings()


@pytest.mark.fast
def test_the_public_address_names_a_host() -> None:
    assert host_of("https://Hub.City.example:8443/x") == "hub.city.example"
    assert host_of(load_settings(host="::1").url) == "[::1]"


@pytest.mark.slow
@pytest.mark.xdist_group("hub")
@pytest.mark.parametrize(("line", "body"), PATHS)
def test_a_foreign_host_is_misdirected(hub: RunningHub, line: str, body: bytes) -> None:
    answer = raw(hub, f"{line} HTTP/1.1\r\n{JSON}\r\nOrigin: http://evil.example", body, host="evil.example:8300")
    assert status(answer) == 421
    error = json.loads(answer.split(b"\r\n\r\n", 1)[1])["errors"][0]
    assert "HUITONG_ALLOWED_HOSTS" in error["extensions"]["hint"]
    assert "Host" in error["message"]
    assert "Host" in error["extensions"]["messageEn"]
    assert b"evil" not in answer
    assert status(raw(hub, f"{line} HTTP/1.1\r\n{JSON}", body, host=None)) == 421
    assert status(raw(hub, f"{line} HTTP/1.1\r\n{JSON}", body, host="localhost:8300")) != 421


@pytest.mark.slow
@pytest.mark.xdist_group("hub")
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Origin: http://evil.example", 403),
        ("Origin: null", 403),
        ("Sec-Fetch-Site: cross-site", 403),
        ("Sec-Fetch-Site: same-origin\r\nOrigin: http://localhost:1", 200),
        ("X-Nothing: at all", 200),
    ],
)
def test_demonstration_tokens_are_for_own_pages(hub: RunningHub, header: str, expected: int) -> None:
    assert status(raw(hub, f"POST /console/demo-token HTTP/1.1\r\n{JSON}\r\n{header}", b'{"name": "housing"}')) == expected


@pytest.mark.slow
@pytest.mark.xdist_group("hub")
@pytest.mark.parametrize("path", ["/health/live/", "/oauth/token/", "/ledger/key/", "/graphql/"])
def test_nothing_is_redirected(hub: RunningHub, path: str) -> None:
    answer = raw(hub, f"GET {path} HTTP/1.1")
    assert status(answer) == 404
    assert b"location:" not in answer.lower()
