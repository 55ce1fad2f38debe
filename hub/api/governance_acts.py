"""How a mutation of the governance schema does an administrative act."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import strawberry
from anyio import to_thread

from hub.acts import Actor
from hub.api.context import Context
from hub.api.governance_types import Problem
from hub.catalog.problems import Refused

T = TypeVar("T")


async def do_act(info: strawberry.Info[Context, None], act: Callable[[Actor], T]) -> tuple[T | None, list[Problem]]:
    """Does an act in a worker thread and takes over its effect at once; a refusal becomes problems."""
    actor = info.context.caller.actor()
    try:
        done = await to_thread.run_sync(act, actor)
    except Refused as refused:
        return None, [Problem(path=p.path, line=p.line, code=p.code, message=p.message, hint=p.hint or None) for p in refused.problems]
    await info.context.live.refresh()
    return done, []
