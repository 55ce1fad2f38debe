"""One HTTP server for all tests of a run: starting and stopping one takes longer than most tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.servers.http import serving


class _Switchboard:
    """Applications by the first segment of the path."""

    def __init__(self) -> None:
        self.applications: dict[str, ASGIApp] = {}
        self.numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        first, _, rest = scope["path"].lstrip("/").partition("/")
        application = self.applications.get(first)
        if application is None:
            await send({"type": "http.response.start", "status": 410, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await application({**scope, "root_path": "", "path": f"/{rest}"}, receive, send)


_RUNNING = pytest.StashKey[tuple[str, _Switchboard]]()


@contextmanager
def served(request: pytest.FixtureRequest, application: ASGIApp) -> Iterator[str]:
    """The application's address: a path of its own on the run's server."""
    address, switchboard = _running(request.session)
    name = f"s{next(switchboard.numbers)}"
    switchboard.applications[name] = application
    try:
        yield f"{address}/{name}"
    finally:
        del switchboard.applications[name]


def _running(session: pytest.Session) -> tuple[str, _Switchboard]:
    if _RUNNING not in session.stash:
        stack, switchboard = ExitStack(), _Switchboard()
        session.stash[_RUNNING] = (stack.enter_context(serving(switchboard)), switchboard)
        session.addfinalizer(stack.close)
    return session.stash[_RUNNING]


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> Iterator[Callable[[ASGIApp], str]]:
    """Serves applications and gives their addresses, until the test ends."""
    with ExitStack() as stack:
        yield lambda application: stack.enter_context(served(request, application))
