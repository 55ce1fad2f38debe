"""Whether an answer is what was expected. Findings hold codes and paths, never a value of the answer: reports are passed on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

OK = 200


def read(content: bytes | str | None, lost: Exception | None = None) -> Any:
    """The body as JSON; ``None`` where it is none. ``lost``: what kept it from coming, and is given in its place."""
    if lost is not None:
        return lost
    try:
        return json.loads(content or b"")
    except ValueError:
        return None


def at(body: Any, path: str) -> Any:
    """What stands in ``data`` at a path of names and indexes (``a.nodes.0.b``), ``None`` where nothing does."""
    found = body.get("data") if isinstance(body, Mapping) else None
    for step in path.split("."):
        if isinstance(found, list):
            found = found[int(step)] if step.isdigit() and int(step) < len(found) else None
        else:
            found = found.get(step) if isinstance(found, Mapping) else None
    return found


Judge = Callable[[int, Any], str | None]
"""Tells what is wrong with an answer of this status and body; ``None``: nothing."""


def answering(present: Iterable[str], equal: Mapping[str, str] = MappingProxyType({})) -> Judge:
    """Wants data without errors, a value at each path of ``present``, and these texts at those of ``equal``."""
    return partial(_wrong_answer, tuple(present), equal)


def refusing(status: int, code: str) -> Judge:
    """Wants a refusal with this status and this code alone."""
    return partial(_wrong_refusal, status, code)


def _wrong_answer(present: Iterable[str], equal: Mapping[str, str], status: int, body: Any) -> str | None:
    if status != OK or codes(body):
        return told(status, body)
    for path in present:
        if at(body, path) is None:
            return f"no data at {path}"
    for path, value in equal.items():
        if at(body, path) != value:
            return f"{path} is not {value}"
    return None


def _wrong_refusal(expected: int, code: str, status: int, body: Any) -> str | None:
    found = codes(body)
    if not found and status == OK:
        return f"answered where {expected} {code} is expected"
    if status != expected or found != [code]:
        return f"{told(status, body)}, where {expected} {code} is expected"
    return "data came with the refusal" if _holds(body.get("data")) else None


def codes(body: Any) -> list[str]:
    """``extensions.code`` of each error, or the error of an OAuth endpoint."""
    if isinstance(body, Mapping) and isinstance(body.get("error"), str):
        return [body["error"]]
    return [str((each.get("extensions") or {}).get("code", "?")) for each in _errors(body)]


def told(status: int, body: Any) -> str:
    """What came instead of what was expected: the status, with the codes of errors and where they stand; without a status, what went wrong with the connection."""
    if status == 0:
        return f"no answer: {body!r}"
    places = [_path(each) for each in _errors(body)] or [""]
    where = [f"{code}{place}" for code, place in zip(codes(body), places, strict=False)]
    return f"status {status}: {', '.join(dict.fromkeys(where)) or 'no code in it'}"


def _errors(body: Any) -> list[Any]:
    errors = body.get("errors") if isinstance(body, Mapping) else None
    return [each for each in errors if isinstance(each, Mapping)] if isinstance(errors, list) else []


def _path(error: Mapping[str, Any]) -> str:
    """Without indexes, so that one cause is one line of the report."""
    names = [step for step in error.get("path") or () if isinstance(step, str)]
    return f" at {'.'.join(names)}" if names else ""


def _holds(data: Any) -> bool:
    """Whether there is any value in it."""
    if isinstance(data, Mapping):
        return any(map(_holds, data.values()))
    return any(map(_holds, data)) if isinstance(data, list) else data is not None
