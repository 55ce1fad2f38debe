"""How a mutation of the governance schema does an administrative act."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import strawberry
from anyio import to_thread
from graphql import GraphQLField, GraphQLResolveInfo, GraphQLSchema

from hub.acts import Actor
from hub.api.context import Context
from hub.api.governance_types import Problem
from hub.catalog.problems import Refused

T = TypeVar("T")
EXCEEDED_HINT = ("请使用具有该角色的账号；见 docs/roles.md", "use an account that has the role; see docs/roles.md")


async def do_act(info: strawberry.Info[Context, None], act: Callable[[Actor], T]) -> tuple[T | None, list[Problem]]:
    """Does an act in a worker thread and takes over its effect at once; a refusal becomes problems."""
    actor = info.context.caller.actor()
    try:
        done = await to_thread.run_sync(act, actor)
    except Refused as refused:
        return None, [Problem(path=p.path, line=p.line, code=p.code, message=p.message, hint=p.hint or None) for p in refused.problems]
    await info.context.live.refresh()
    return done, []


def exceeded_in_words(names: Sequence[str]) -> tuple[str, str]:
    """That the caller's roles do not give these fields."""
    told = ", ".join(names[:5])
    return f"角色不含此操作：{told}", f"the caller's roles do not give: {told}"


class NotDone:
    """The payload of an act that was not begun: its problems, and nothing else."""

    def __init__(self, names: Sequence[str]) -> None:
        message = " ".join(exceeded_in_words(names))
        self.problems = [Problem(path=None, line=None, code="FORBIDDEN", message=message, hint=" ".join(EXCEEDED_HINT))]

    def __getattr__(self, name: str) -> None:
        # graphql-core asks objects whether they can be awaited.
        if name.startswith("__"):
            raise AttributeError(name)


def guard(schema: GraphQLSchema) -> None:
    """Puts before every mutation of the schema that a document which exceeds the caller's roles does nothing."""
    if schema.mutation_type is not None:
        for field in schema.mutation_type.fields.values():
            _guard(field)


def _guard(field: GraphQLField) -> None:
    act = field.resolve

    def resolve(root: Any, info: GraphQLResolveInfo[Context], **given: Any) -> Any:
        if info.context.exceeded:
            return NotDone(info.context.exceeded)
        if act is None:
            raise TypeError(f"the mutation {info.field_name} has no resolver")
        return act(root, info, **given)

    field.resolve = resolve
