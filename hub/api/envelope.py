"""What a request's headers say, read once for all requests that carry the same: an application's differ in little but their length and trace."""

from __future__ import annotations

from functools import cached_property

from starlette.datastructures import Headers

from auth.rights import Use
from connectors.kept import Kept
from hub.api.calling import hubs_before
from hub.api.unread import unread_media
from hub.api.use import read_use
from hub.errors import prefers_english
from schema.faults import Fault

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
_VARYING = frozenset({b"authorization", b"dpop", b"content-length", b"traceparent", b"tracestate", b"cookie"})
"""What differs from request to request, and what is secret: not looked at here, and never kept."""
_KEPT = 512
_MOST_BYTES = 2048
"""Of headers that are kept: an ordinary client's have a few hundred bytes."""

RawHeaders = list[tuple[bytes, bytes]]


class Envelope:
    """The headers of one request, or of all that have the same, but for those that vary."""

    def __init__(self, headers: Headers) -> None:
        self.headers = headers

    @cached_property
    def legacy(self) -> bool:
        """GraphQL over HTTP: a caller that does not ask for the new media type, or rather takes the other, gets ``application/json``."""
        weights = _weights(",".join(self.headers.getlist("accept")))
        asked = weights.get(GRAPHQL_JSON, 0.0)
        return asked <= 0 or asked < weights.get(JSON, 0.0)

    @cached_property
    def english(self) -> bool:
        """The caller prefers English."""
        return prefers_english(self.headers.get("accept-language", ""))

    @cached_property
    def unread(self) -> Fault | None:
        """Why no body with these headers is read: it is something else than JSON."""
        return unread_media(self.headers.get("content-type", ""), self.headers.get("content-encoding", ""))

    @cached_property
    def use(self) -> Use:
        """The use that is declared.

        Raises:
            Fault: see :func:`hub.api.use.read_use`.
        """
        return read_use(self.headers)

    @cached_property
    def before(self) -> tuple[str, ...]:
        """The hubs that the call came through.

        Raises:
            Fault: ``BAD_REQUEST``.
        """
        return hubs_before(self.headers)


def _weights(accepted: str) -> dict[str, float]:
    """The media types that ``Accept`` names (RFC 9110 §12.5.1), and the weight of each."""
    found: dict[str, float] = {}
    for each in accepted.lower().split(","):
        media, *parameters = (part.strip() for part in each.split(";"))
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            found[media] = float(weight)
        except ValueError:
            found[media] = 0.0
    return found


class Envelopes:
    """Envelopes by their headers, the most recent ones. Lives on the event loop."""

    def __init__(self) -> None:
        self._known: Kept[tuple[tuple[bytes, bytes], ...], Envelope] = Kept(_KEPT)

    def read(self, raw: RawHeaders) -> tuple[Envelope, dict[bytes, bytes | None], int]:
        """Of a request: its envelope, the headers of its own (``None`` for one that stands more than once), and how many bytes all have."""
        fixed, size = [], 0
        own: dict[bytes, bytes | None] = {}
        for header in raw:
            name, value = header
            size += len(name) + len(value)
            if name in _VARYING:
                own[name] = None if name in own else value
            else:
                fixed.append(header)
        key = tuple(fixed)
        found = self._known.get(key)
        if found is None:
            found = Envelope(Headers(raw=fixed))
            if size <= _MOST_BYTES:
                self._known.keep(key, found)
        return found, own, size
