"""A manifest's stored form: what its TOML says, as JSON, which is read ten times as fast. It is checked by the same rules whenever it is read."""

from __future__ import annotations

import tomllib

import orjson
from pydantic import ValidationError

from hub.catalog.manifest import Manifest, read_manifest


def form_of(text: str) -> str | None:
    """The form of a TOML text; ``None`` where JSON cannot say the same (dates, infinities, very large numbers)."""
    content = tomllib.loads(text)
    try:
        form = orjson.dumps(content, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError:
        return None
    return form.decode() if orjson.loads(form) == content else None


def read_stored(text: str, form: str | None) -> Manifest:
    """The manifest of a row; from its text where it has no form, or one that does not hold.

    Raises:
        Refused: as ``read_manifest``.
    """
    if form is None:
        return read_manifest(text)
    try:
        return Manifest.model_validate(orjson.loads(form))
    except ValidationError:
        return read_manifest(text)
