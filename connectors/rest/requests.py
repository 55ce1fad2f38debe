"""Requests for what is to be asked: in the query of a GET, or in the body of a POST: JSON, or the form that browsers send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import quote, urlencode

from connectors.rest.client import Request
from connectors.rest.conditions import Sent, merged, pairs, queried
from connectors.rest.endpoint import Endpoint
from connectors.rest.paths import split
from connectors.rest.pushdown import Ask


def request_for(endpoint: Endpoint, accept: str, ask: Ask, paging: Mapping[str, Sent]) -> Request:
    """The request, with the parameters of the page; a single item has no pages."""
    sent = ask.parameters if ask.route.single else merged(ask.parameters, paging)
    headers = {"Accept": accept, **endpoint.headers}
    if endpoint.method == "GET" or ask.route.single:
        return Request("GET", _target(ask.path, queried(endpoint, sent), endpoint.request_charset), headers)
    media_type, body = _form(endpoint, sent) if endpoint.content == "form" else _json(endpoint, sent)
    return Request("POST", _target(ask.path, endpoint.query, endpoint.request_charset), {**headers, "Content-Type": media_type}, body)


def _form(endpoint: Endpoint, sent: Mapping[str, Sent]) -> tuple[str, bytes]:
    fixed = {name: value for name, value in endpoint.body.items() if isinstance(value, str | int | float)}
    return "application/x-www-form-urlencoded", urlencode(pairs({**fixed, **sent}), encoding=endpoint.request_charset).encode("ascii")


def _json(endpoint: Endpoint, sent: Mapping[str, Sent]) -> tuple[str, bytes]:
    body = deepcopy(endpoint.body)
    for path, value in sent.items():
        _put(body, split(path), list(value) if isinstance(value, tuple) else value)
    return "application/json", json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _target(path: str, query: Mapping[str, Sent], charset: str) -> str:
    return f"{path}?{urlencode(pairs(query), encoding=charset, quote_via=quote)}" if query else path


def _put(body: dict[str, Any], names: tuple[str, ...], value: object) -> None:
    """Puts a value at a path, in place of what is in the way."""
    *outer, last = names
    for name in outer:
        inner = body.get(name)
        if not isinstance(inner, dict):
            inner = body[name] = {}
        body = inner
    body[last] = value
