"""The command line as a caller of a running hub: tokens and documents over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from hub.cli.assertion import PrivateKey, assertion_form
from hub.cli.faults import NOT_REACHABLE, CliFault

_SECONDS = 60.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class HubBusy(CliFault):
    """The hub issues no token now; it may a little later."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """By whom to ask for a token: with a secret, or with a key. ``purpose`` and ``operator`` are the demonstration's suggestion of a use."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    purpose: str | None = None
    operator: str | None = None
    key: PrivateKey | None = None


def demo_credentials(home: Path, name: str) -> Credentials:
    """The credentials of a demonstration application.

    Raises:
        CliFault: this home has no demonstration, or no such application.
    """
    path = home / "demo" / "credentials.json"
    try:
        entries = {entry["name"]: entry for entry in json.loads(path.read_bytes())}
    except FileNotFoundError:
        raise CliFault(f"没有演示凭据 there are no demonstration credentials: {path}", "huitong demo, or give --client-id") from None
    if name not in entries:
        raise CliFault(f"没有演示应用 no demonstration application {name}", ", ".join(entries))
    entry = entries[name]
    return Credentials(entry["client_id"], entry["client_secret"], next(iter(entry["purposes"]), None), entry["operator"])


def fetch_token(url: str, credentials: Credentials, scope: str | None = None) -> dict[str, Any]:
    """The answer of ``/oauth/token``: ``access_token``, ``expires_in`` in seconds, ``scope``.

    Raises:
        CliFault: the hub is not reachable (exit code 3), or refuses.
        HubBusy: not now.
    """
    form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    if credentials.key:
        form |= assertion_form(credentials.client_id, credentials.key, _issuer(url))
        answer = send(url, "/oauth/token", data=form)
    else:
        answer = send(url, "/oauth/token", auth=(credentials.client_id, credentials.client_secret), data=form)
    body = read_answer(answer)
    if answer.status_code == 200 and "access_token" in body:
        return body
    if body.get("error") == "invalid_client":
        raise CliFault("客户端编号、密码或密钥不正确，或应用已停用 the client id, secret or key is wrong, or the application is disabled", "huitong app list")
    refusal = HubBusy if answer.status_code in (429, 503) else CliFault
    raise refusal(f"未发放令牌 no token was issued ({answer.status_code}): {body.get('error_description') or body.get('error') or ''}", "huitong token --help")


def _issuer(url: str) -> str:
    """The issuer behind an address, which must be that address (RFC 8414 §3.3): an assertion for another one could be used there."""
    found = read_answer(send(url, "/.well-known/oauth-authorization-server", "GET")).get("issuer")
    if found != url.rstrip("/"):
        raise CliFault(f"该汇通的地址为 this hub calls itself {found}", f"--url {found}")
    return str(found)


def send(url: str, path: str, method: str = "POST", **given: Any) -> httpx2.Response:
    """One request.

    Raises:
        CliFault: the hub is not reachable; exit code 3.
    """
    # A proxy of the environment cannot reach this machine's own loopback.
    trust = urlsplit(url).hostname not in LOOPBACK
    try:
        with httpx2.Client(timeout=_SECONDS, trust_env=trust) as client:
            return client.request(method, url.rstrip("/") + path, **given)
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
        raise CliFault(f"地址不正确 not an address: {url}", "http://127.0.0.1:8000") from None
    except httpx2.TimeoutException:
        raise CliFault(f"汇通未及时应答 the hub did not answer in time: {url}", "请稍后重试 try again later", NOT_REACHABLE) from None
    except httpx2.TransportError as fault:
        raise CliFault(f"无法连接汇通 no hub answers at {url} ({type(fault).__name__})", "huitong serve / huitong demo, or --url", NOT_REACHABLE) from None


def read_answer(answer: httpx2.Response) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises:
        CliFault: what answered is no hub; exit code 3.
    """
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CliFault(f"应答的不是汇通 this is not a hub's answer ({answer.status_code})", "请核对 --url compare the address", NOT_REACHABLE)
    return body
