"""Where a REST source goes: to its own address and nowhere else, whatever names, answers and the environment say."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from starlette.responses import RedirectResponse, Response

from connectors.errors import ConfigFault, SourceRefused, SourceUnavailable
from connectors.registry import open_source
from connectors.rest.addresses import forbidden
from connectors.spi import SourceConfig
from tests.connectors.answering import Opened, answering, reading
from tests.connectors.service_server import servers

__all__ = ["answering", "servers"]

pytestmark = pytest.mark.anyio
Resolver = Callable[[Mapping[str, Sequence[str]]], list[str]]


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """Makes names lead to addresses, one list per look-up, the last for all later ones; gives the names that were looked up."""
    asked: list[str] = []

    def start(names: Mapping[str, Sequence[str]]) -> list[str]:
        def getaddrinfo(host: Any, port: Any, **_: Any) -> list[Any]:
            name = host.decode() if isinstance(host, bytes) else host
            answers = names[name]
            addresses = answers[min(asked.count(name), len(answers) - 1)].split()
            asked.append(name)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return start


def named(url: str, name: str) -> str:
    return url.replace("127.0.0.1", name)


@pytest.mark.slow
async def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(answering: Opened, resolving: Resolver) -> None:
    service = answering(lambda _request: {"items": [{"n": 1}]})
    asked = resolving({"gw.example": ["127.0.0.1", "169.254.169.254"]})
    source = open_source(SourceConfig("city.register", "rest", named(service.config.url, "gw.example"), pool=1))
    assert await source.fetch(reading(), {}) == [(1,)]
    assert await source.fetch(reading(), {}) == [(1,)]
    assert asked == ["gw.example"]
    await source.close()


@pytest.mark.slow
async def test_a_name_that_leads_to_metadata_later_is_refused(answering: Opened, resolving: Resolver) -> None:
    service = answering(lambda _request: Response(b'{"items": []}', headers={"Connection": "close"}))
    asked = resolving({"gw.example": ["127.0.0.1", "127.0.0.1 169.254.169.254"]})
    source = open_source(SourceConfig("city.register", "rest", named(service.config.url, "gw.example")))
    assert await source.fetch(reading(), {}) == []
    with pytest.raises(SourceRefused, match="link-local address or a cloud's metadata service") as caught:
        await source.fetch(reading(), {})
    assert "169" not in str(caught.value)
    assert asked == ["gw.example", "gw.example"]
    assert len(service.asked) == 1
    await source.close()


@pytest.mark.slow
async def test_the_next_address_is_tried_where_one_is_dead(answering: Opened, resolving: Resolver) -> None:
    service = answering(lambda _request: {"items": [{"n": 1}]})
    resolving({"gw.example": ["127.0.0.9 127.0.0.1"]})
    source = open_source(SourceConfig("city.register", "rest", named(service.config.url, "gw.example")))
    assert await source.fetch(reading(), {}) == [(1,)]
    await source.close()


@pytest.mark.slow
async def test_names_in_chinese_are_asked_as_idna(answering: Opened, resolving: Resolver) -> None:
    service = answering(lambda _request: {"items": []})
    asked = resolving({"xn--go3a20p.example": ["127.0.0.1"]})
    source = open_source(SourceConfig("city.register", "rest", named(service.config.url, "贵阳.example")))
    assert await source.fetch(reading(), {}) == []
    assert asked == ["xn--go3a20p.example"]
    assert service.requests[0].headers["host"].startswith("xn--go3a20p.example:")
    await source.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no-such-name.invalid", "a..b", "a" * 70])
async def test_a_name_that_does_not_resolve_is_told(name: str) -> None:
    source = open_source(SourceConfig("city.register", "rest", f"http://{name}"))
    with pytest.raises(SourceUnavailable, match="not reachable"):
        await source.fetch(reading(), {})
    await source.close()


@pytest.mark.fast
@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "169.254.43518", "0"])
async def test_numbers_that_are_addresses_are_refused_where_they_are_connected_to(host: str) -> None:
    source = open_source(SourceConfig("city.register", "rest", f"http://{host}"))
    with pytest.raises(SourceRefused, match="never asked"):
        await source.fetch(reading(), {})
    await source.close()


@pytest.mark.fast
@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[fe80::1]",
        "http://[fe80::1%25eth0]:8080",
        "http://[::ffff:169.254.169.254]",
        "http://[fd00:ec2::254]",
        "http://[64:ff9b::a9fe:a9fe]",
        "http://100.100.100.200",
        "http://user:pass@host",
        "http://user@host",
        "http://host?x=1",
        "http://host#x",
        "http://host/?",
        "http://host/../x",
        "http://host/%2e%2e/x",
        "http://host\\@evil",
        "http://ho st",
        "ftp://host",
        "http://host:99999",
        "http://",
        "http://0251.0376.0251.0376",
        "http://256.1.1.1",
        "http://-a.贵阳",
    ],
)
def test_addresses_that_are_refused_when_the_source_is_opened(url: str) -> None:
    with pytest.raises(ConfigFault, match="`url`"):
        open_source(SourceConfig("city.register", "rest", url))


@pytest.mark.fast
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.253.255.255", False),
        ("2001:db8::1", False),
        ("febf::1", True),
        ("2002:a9fe:a9fe::", True),
        ("host", False),
    ],
)
def test_forbidden_addresses(address: str, expected: bool) -> None:
    assert forbidden(address) is expected


@pytest.mark.slow
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(answering: Opened, status: int) -> None:
    other = answering(lambda _request: {"items": []})
    service = answering(lambda _request: RedirectResponse(f"{other.config.url}/n", status))
    with pytest.raises(SourceRefused, match=rf"redirects \(status {status}\)"):
        await service.source.fetch(reading(), {})
    assert other.asked == []
    assert len(service.asked) == 1


@pytest.mark.slow
async def test_neither_proxies_nor_cookies_nor_netrc_are_used(answering: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login stolen password stolen", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    service = answering(lambda _request: Response(b'{"items": []}', headers={"Set-Cookie": "session=1; Path=/"}))
    for _ in range(2):
        assert await service.source.fetch(reading(), {}) == []
    assert [set(request.headers) & {"cookie", "authorization", "proxy-authorization"} for request in service.requests] == [set(), set()]
