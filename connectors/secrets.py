"""Where a source's secret lies: in the environment or in a file, never in the configuration itself."""

from __future__ import annotations

import os
from pathlib import Path

from connectors.errors import ConfigFault


def read_secret(source: str, where: str | None) -> str | None:
    """The secret behind ``env:NAME`` or ``file:PATH`` (without the file's last newline); ``None`` where the source has none.

    Raises:
        ConfigFault: the place is not written so, or nothing lies there.
    """
    if where is None:
        return None
    scheme, _, place = where.partition(":")
    if scheme == "env" and place:
        if secret := os.environ.get(place):
            return secret
        raise ConfigFault(f"{source}: the environment variable {place} is not set", f"set {place} before the hub starts, or name another place in `secret`")
    if scheme == "file" and place:
        return _from_file(source, Path(place))
    raise ConfigFault(f"{source}: `secret` must say where the secret lies", "write env:NAME or file:PATH; a literal secret is not accepted")


def _from_file(source: str, path: Path) -> str:
    try:
        secret = path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigFault(f"{source}: the secret file {path} cannot be read", "create it as UTF-8 text that the hub's user may read") from error
    if not secret:
        raise ConfigFault(f"{source}: the secret file {path} is empty", "write the secret into it")
    return secret
