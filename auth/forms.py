"""Form posts to the OAuth endpoints: what may come in at all, before any credential is looked at."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

MAX_BODY = 16 * 1024
"""Bytes of a form."""
MAX_FIELDS = 32
_FORM = "application/x-www-form-urlencoded"


class FormFault(Exception):
    """The request is not one clean form. ``str()`` says what is wrong and what to send; it holds nothing that was sent."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class FormPost:
    """A clean form: each field once, none of them empty."""

    path: str
    """Below the issuer, e.g. ``/oauth/token``."""
    authorization: tuple[str, ...] = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    dpop: tuple[str, ...] = field(default=(), repr=False)
    """The ``DPoP`` headers (RFC 9449 §4.1)."""


def check_envelope(query: bytes, content_type: Sequence[str], content_encoding: Sequence[str]) -> None:
    """Refuse a post by its query string and headers, before its body is read.

    Raises:
        FormFault: parameters in the address, a body that is not a form, or a compressed one.
    """
    if query:
        raise FormFault("Parameters belong in the body, not in the address, where logs keep them.")
    if content_encoding:
        raise FormFault("Send the form without Content-Encoding.")
    if len(content_type) != 1 or not _is_form(content_type[0]):
        raise FormFault(f"Send the form with Content-Type {_FORM}.")


def _is_form(content_type: str) -> bool:
    media, _, parameters = content_type.partition(";")
    return media.strip().lower() == _FORM and parameters.strip().lower() in {"", "charset=utf-8", 'charset="utf-8"'}


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of a form. One without a value counts as not sent (RFC 6749 §3.1).

    Raises:
        FormFault: too long, too many fields, a field twice, or not a form.
    """
    if len(body) > MAX_BODY:
        raise FormFault(f"The form is longer than {MAX_BODY} bytes.", 413)
    if body.count(b"&") >= MAX_FIELDS:
        raise FormFault(f"The form has more than {MAX_FIELDS} fields.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict") if body else []
    except ValueError:
        raise FormFault("The body is not a form: name=value, joined by ampersands, percent-encoded in UTF-8.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FormFault("A parameter is sent more than once.")
    return {name: value for name, value in fields.items() if value}


def basic_credentials(authorization: Sequence[str]) -> tuple[str, str] | None:
    """Client id and secret from HTTP Basic as RFC 6749 §2.3.1 writes it; ``None`` unless there is exactly one well-formed header."""
    if len(authorization) != 1:
        return None
    scheme, _, encoded = authorization[0].partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(" "), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    client_id, colon, secret = text.partition(":")
    return (unquote_plus(client_id), unquote_plus(secret)) if colon else None
