"""A running hub as a long pull sees it: tokens that are renewed, answers that ask to wait, connections that drop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2

from hub.cli.client import LOOPBACK, Credentials, HubBusy, fetch_token
from hub.cli.faults import NOT_REACHABLE, CliFault

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_RENEW_SECONDS = 30.0
"""A token is renewed so long before it ends."""
_BUSY = (429, 503)
_PASSING = (500, 502, 504)
_OPTIONS = dict.fromkeys(("PURPOSE_REQUIRED", "PURPOSE_NOT_GRANTED"), "（--purpose CODE --operator NAME）")
"""Code of a fault → the options by which a command says what the hub asks for."""
_T = TypeVar("_T")


class Again(Exception):
    """Something that may succeed when it is tried again; ``after`` is how many seconds the hub asked to wait."""

    def __init__(self, told: str, after: float = 0.0) -> None:
        super().__init__(told)
        self.after = after


class Silent(Again):
    """Nothing came for as long as an answer is waited for."""


class Broken(Again):
    """The hub cannot be reached, or the connection ended."""


class Refusal(CliFault):
    """The hub refuses; ``reason`` is its error's code, empty where what refuses is no hub."""

    def __init__(self, fault: Mapping[str, Any], told: str) -> None:
        super().__init__(told, hint_of(fault))
        self.reason = str((fault.get("extensions") or {}).get("code") or "")


class Trying:
    """How long something is tried again: after pauses that grow, until nothing was gained for ``patience`` seconds."""

    def __init__(self, patience: float, tell: Callable[[str], None]) -> None:
        self._patience = patience
        self._tell = tell
        self._pause = _FIRST_PAUSE
        self._since = time.monotonic()

    def gained(self) -> None:
        """Something came: patience begins anew."""
        self._since, self._pause = time.monotonic(), _FIRST_PAUSE

    async def insist(self, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """What the attempt gives, as soon as it gives anything.

        Raises:
            CliFault: nothing was gained for too long; exit code 3.
        """
        while True:
            try:
                return await attempt()
            except Again as fault:
                await self._wait(fault)

    async def _wait(self, fault: Again) -> None:
        pause = max(self._pause, fault.after)
        if time.monotonic() - self._since + pause > self._patience:
            told = f"{self._patience:.0f} 秒内毫无进展 nothing was gained for {self._patience:.0f} seconds: {fault}"
            raise CliFault(told, "重新执行同一命令即可续传 run the same command again to go on; --patience", NOT_REACHABLE)
        self._tell(f"{fault}；{pause:.1f} 秒后重试 again in {pause:.1f} s")
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        await asyncio.sleep(pause)


class Tokens:
    """The access token: one that was given, or those that the credentials get, each renewed before it ends or once it is refused."""

    def __init__(self, url: str, credentials: Credentials | None, given: str | None, scope: str | None = None) -> None:
        self._url = url
        self._scope = scope
        self._credentials = credentials
        self._token = given
        self._until = time.monotonic() if given is None else float("inf")
        self._turn = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for a while.

        Raises:
            Again: the hub cannot be reached.
            CliFault: the credentials are refused.
        """
        async with self._turn:
            if self._token is None or time.monotonic() > self._until - _RENEW_SECONDS:
                await self._renew()
            return str(self._token)

    async def refused(self, token: str) -> None:
        """This token is good no longer.

        Raises:
            CliFault: there are no credentials to get another one by.
        """
        if self._credentials is None:
            raise CliFault("令牌无效或已过期 the token is not valid, or has expired", "换用新令牌后重新执行即可续传 run again with a new token to go on")
        if token == self._token:
            self._token = None

    async def _renew(self) -> None:
        if self._credentials is None:
            raise CliFault("没有令牌 there is no token", "--app, --client-id, HUITONG_TOKEN, --token-file")
        try:
            body = await asyncio.to_thread(fetch_token, self._url, self._credentials, self._scope)
        except CliFault as fault:
            if fault.code == NOT_REACHABLE or isinstance(fault, HubBusy):
                raise Again(fault.message) from None
            raise
        self._token = str(body["access_token"])
        self._until = time.monotonic() + float(body.get("expires_in", 60))


class Remote:
    """Requests to one hub, by one application, with its headers of use."""

    def __init__(self, url: str, tokens: Tokens, use: Mapping[str, str], seconds: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self._tokens = tokens
        self._headers = {**use, "accept-encoding": "identity", "accept-language": "zh, en"}
        self._client = httpx2.AsyncClient(timeout=seconds, trust_env=urlsplit(url).hostname not in LOOPBACK, limits=httpx2.Limits(max_connections=32))
        self._refused: str | None = None
        """A token that was refused since anything succeeded."""

    async def __aenter__(self) -> Remote:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def answer(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", **given: Any) -> AsyncIterator[httpx2.Response]:
        """An answer that succeeded, its body still to be read.

        Raises:
            Again: the hub asks to wait, has a passing fault or cannot be reached, here or while the body is read; ``Silent`` where nothing comes,
                ``Broken`` where the connection fails.
            Refusal: it refuses.
            CliFault: there is no such address, or no token to be had.
        """
        token = await self._tokens.token()
        sent = {**self._headers, **(headers or {}), "authorization": f"Bearer {token}"}
        try:
            async with self._client.stream(method, self.url + path, headers=sent, **given) as answer:
                if not answer.is_success:
                    await self._failed(answer, token)
                self._refused = None
                yield answer
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
            raise CliFault(f"地址不正确 not an address: {self.url}", "https://hub.example") from None
        except httpx2.ReadTimeout:
            raise Silent("平台未及时应答 the hub did not answer in time") from None
        except httpx2.TransportError as fault:
            raise Broken(f"连接中断 the connection to the hub failed ({type(fault).__name__})") from None

    async def _failed(self, answer: httpx2.Response, token: str) -> None:
        body = await answer.aread()
        if answer.status_code == 401 and self._refused in (None, token):
            self._refused = token
            await self._tokens.refused(token)
            raise Again("令牌已失效，正在更换 the token is good no longer; getting another")
        if answer.status_code in _BUSY:
            raise Again(_told(answer, body), _retry_after(answer))
        if answer.status_code in _PASSING:
            raise Again(_told(answer, body))
        raise Refusal(_fault(answer), _told(answer, body))


def _retry_after(answer: httpx2.Response) -> float:
    """Seconds (RFC 9110 §10.2.3); the hub does not write days."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _told(answer: httpx2.Response, body: bytes) -> str:
    """What the hub says is wrong."""
    fault = _fault(answer)
    if not fault:
        return f"{answer.status_code} {body[:200].decode(errors='replace')}".strip()
    return f"{answer.status_code} {told_of(fault)}"


def told_of(fault: Mapping[str, Any]) -> str:
    """An error of a hub: code, and text in both languages."""
    extensions = fault.get("extensions") or {}
    return " ".join(str(part) for part in (extensions.get("code"), fault.get("message"), extensions.get("messageEn")) if part)


def hint_of(fault: Mapping[str, Any]) -> str:
    """The remedy that a hub's error names, in both languages; older hubs tell it in one."""
    extensions = fault.get("extensions") or {}
    given = _OPTIONS.get(extensions.get("code", ""))
    return " ".join(dict.fromkeys(str(part) for part in (extensions.get("hint"), extensions.get("hintEn"), given) if part))


def _fault(answer: httpx2.Response) -> dict[str, Any]:
    try:
        found = answer.json()["errors"][0]
    except (ValueError, LookupError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
