"""Where the hub is, as load testers write it and as Locust takes it."""

from __future__ import annotations

from urllib.parse import urlsplit


def address(text: str) -> str:
    """Without slashes at its end: Locust puts paths right behind it.

    Raises:
        ValueError: it is no address of a hub.
    """
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    except ValueError:
        sound = False
    if not sound:
        raise ValueError(f"--host: {text}: http://HOST:PORT or https://HOST is expected")
    return text.rstrip("/")
