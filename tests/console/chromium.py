"""Drives Debian's headless Chromium over the DevTools protocol and keeps its network log, workers included.

Protocol: https://chromedevtools.github.io/devtools-protocol/tot/
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

from tests.servers import debian

_SWITCHES: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
    "--remote-debugging-port=0",
    # What is not on this machine cannot be reached, so a page that needs it is seen to fail.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_START_SECONDS: Final = 60.0
_WAIT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05
_CTRL: Final = 2
_NAVIGATED: Final = "Inspected target navigated or closed"
"""What Chromium answers a command with whose page is gone."""
_KEY_CODES: Final = {"Enter": 13, "Escape": 27, "Tab": 9, "Backspace": 8, "ArrowDown": 40, "End": 35, " ": 32, "a": 65}

Params = dict[str, Any]


class BrowserError(RuntimeError):
    """The browser refused a command, or a page's script threw."""


class Navigated(BrowserError):
    """The page went elsewhere while it was asked: whoever waits asks the next one."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One entry of the network log."""

    url: str
    method: str
    headers: dict[str, str]


@dataclass(slots=True)
class Page:
    """One tab. `requests` are all that it and its workers sent; `errors` its console errors, exceptions and policy violations."""

    _socket: ClientConnection
    _session: str = ""
    requests: list[SentRequest] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _pending: dict[int, asyncio.Future[Params]] = field(default_factory=dict)

    async def goto(self, url: str) -> None:
        """Opens an address; returns when the document has loaded."""
        await self.evaluate("globalThis.huitongLeft = true")
        await self._call("Page.navigate", {"url": url})
        await self.wait_for("!globalThis.huitongLeft && document.readyState === 'complete'")

    async def evaluate(self, expression: str) -> Any:
        """The JSON value of a script; promises are awaited."""
        answer = await self._call("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True})
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def wait_for(self, expression: str, seconds: float = _WAIT_SECONDS) -> Any:
        """The first truthy value of a script; fails with the page's text after `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not (value := await self._evaluated(expression)):
            if asyncio.get_running_loop().time() > deadline:
                text = await self.evaluate("document.body.innerText")
                raise BrowserError(f"not within {seconds:g} s: {expression}\nerrors: {self.errors}\nthe page shows:\n{text}")
            await asyncio.sleep(_POLL_SECONDS)
        return value

    async def _evaluated(self, expression: str) -> Any:
        """``None`` where the page went elsewhere meanwhile."""
        with suppress(Navigated):
            return await self.evaluate(expression)
        return None

    async def wait_for_request(self, before: int) -> None:
        """Waits until the page has sent more requests than `before`."""
        async with asyncio.timeout(_WAIT_SECONDS):
            while len(self.requests) <= before:
                await self._evaluated("new Promise(done => setTimeout(done, 20))")

    async def wait_for_text(self, text: str, selector: str = "body") -> None:
        """Waits until the elements of a selector show a text (an editor's no-break spaces count as spaces)."""
        await self.wait_for(f"({_TEXT_OF})({json.dumps(selector)}).includes({json.dumps(text)})")

    async def text(self, selector: str = "body") -> str:
        """The text shown by all elements of a selector."""
        return str(await self.evaluate(f"({_TEXT_OF})({json.dumps(selector)})"))

    async def click(self, selector: str, text: str = "") -> None:
        """A real click in the middle of the first visible element of a selector that contains `text`, once it does not move any more."""
        point, before = await self._middle(selector, text), None
        while point != before:
            await asyncio.sleep(_POLL_SECONDS)
            point, before = await self._middle(selector, text), point
        place = {"x": point[0], "y": point[1], "button": "left", "clickCount": 1}
        await self._call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": point[0], "y": point[1]})
        await self._call("Input.dispatchMouseEvent", {"type": "mousePressed", **place})
        # A click that leads elsewhere may do so before it is acknowledged.
        with suppress(Navigated):
            await self._call("Input.dispatchMouseEvent", {"type": "mouseReleased", **place})

    async def _middle(self, selector: str, text: str) -> Any:
        return await self.wait_for(f"({_MIDDLE_OF})({json.dumps(selector)}, {json.dumps(text)})")

    async def type(self, text: str) -> None:
        """Key by key, into what has the focus."""
        for character in text:
            await self._call("Input.dispatchKeyEvent", {"type": "keyDown", "text": character, "key": character})
            await self._call("Input.dispatchKeyEvent", {"type": "keyUp", "key": character})

    async def press(self, key: str, *, ctrl: bool = False) -> None:
        """One key that is not a character, or a shortcut."""
        event = {"key": key, "code": _code(key), "windowsVirtualKeyCode": _KEY_CODES[key], "modifiers": _CTRL if ctrl else 0}
        text = {"text": "\r"} if key == "Enter" and not ctrl else {}
        await self._call("Input.dispatchKeyEvent", {"type": "keyDown" if text else "rawKeyDown", **event, **text})
        await self._call("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    async def screenshot(self, path: Path) -> None:
        """Writes what is seen as PNG."""
        answer = await self._call("Page.captureScreenshot", {"format": "png"})
        await asyncio.to_thread(path.write_bytes, base64.b64decode(answer["data"]))

    async def _call(self, method: str, params: Params | None = None) -> Params:
        number = await self._send(method, params or {}, self._session)
        future = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        return await asyncio.wait_for(future, _WAIT_SECONDS)

    async def _send(self, method: str, params: Params, session: str) -> int:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        await self._socket.send(json.dumps({**message, "sessionId": session} if session else message))
        return number

    async def _read(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._settle(message)
            else:
                await self._observe(message["method"], message["params"])

    def _settle(self, message: Params) -> None:
        future = self._pending.pop(message["id"], None)
        if future is None or future.done():
            return
        if "error" in message:
            fault = Navigated if message["error"].get("message") == _NAVIGATED else BrowserError
            future.set_exception(fault(str(message["error"])))
        else:
            future.set_result(message["result"])

    async def _observe(self, method: str, params: Params) -> None:
        match method:
            case "Target.attachedToTarget":
                await self._attach(params["sessionId"])
            case "Network.requestWillBeSent":
                request = params["request"]
                self.requests.append(SentRequest(request["url"], request["method"], request["headers"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Runtime.exceptionThrown":
                self.errors.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] == "error":
                self.errors.append(" ".join(str(each.get("value", each.get("description"))) for each in params["args"]))

    async def _attach(self, session: str) -> None:
        """A page or a worker waits before its first script until its log is on."""
        for method in ("Network.enable", "Runtime.enable", "Log.enable"):
            await self._send(method, {}, session)
        await self._send("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}, session)
        await self._send("Runtime.runIfWaitingForDebugger", {}, session)


_TEXT_OF: Final = r"s => [...document.querySelectorAll(s)].map(e => e.innerText).join('\n').replace(/\u00a0/g, ' ')"
_MIDDLE_OF: Final = """(selector, text) => {
  for (const element of document.querySelectorAll(selector)) {
    if (!element.textContent.includes(text) || element.disabled) continue;
    element.scrollIntoView({block: 'nearest'});
    const box = element.getBoundingClientRect();
    if (box.width && box.height) return [box.x + box.width / 2, box.y + box.height / 2];
  }
  return null;
}"""


def _code(key: str) -> str:
    if key == " ":
        return "Space"
    return f"Key{key.upper()}" if len(key) == 1 else key


async def _endpoint(profile: Path, process: asyncio.subprocess.Process) -> str:
    """The browser's own socket, which it writes into its profile once it listens."""
    port_file = profile / "DevToolsActivePort"
    deadline = asyncio.get_running_loop().time() + _START_SECONDS
    while not (port_file.exists() and port_file.read_text().count("\n") == 1):
        if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
            raise BrowserError(f"Chromium did not start: {(profile / 'stderr').read_text()}")
        await asyncio.sleep(_POLL_SECONDS)
    port, path = port_file.read_text().split("\n")
    return f"ws://127.0.0.1:{port}{path}"


@asynccontextmanager
async def _browser(profile: Path, size: tuple[int, int], language: str) -> AsyncIterator[str]:
    binary = debian.ensure("chromium", "chromium")
    switches = (*_SWITCHES, f"--window-size={size[0]},{size[1]}", f"--accept-lang={language}", f"--user-data-dir={profile}", "about:blank")
    with (profile / "stderr").open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(binary, *switches, stdout=stderr, stderr=stderr)
    try:
        yield await _endpoint(profile, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def open_page(size: tuple[int, int] = (1440, 900), language: str = "zh-CN") -> AsyncIterator[Page]:
    """A browser of its own with one empty tab; both end with the block."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as directory:
        async with _browser(Path(directory), size, language) as endpoint, connect(endpoint, max_size=None, proxy=None) as socket:
            page = Page(socket)
            reader = asyncio.create_task(page._read())
            try:
                target = await page._call("Target.createTarget", {"url": "about:blank"})
                attached = await page._call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
                page._session = attached["sessionId"]
                await page._call("Page.enable")
                width, height = size
                await page._call("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
                yield page
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
