"""Where a source's folder lies: on this machine, or in a store that fsspec reaches."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

STORES = {
    "s3": "secret", "s3a": "secret", "oss": "secret", "tos": "secret", "sftp": "password", "ssh": "password", "ftp": "password", "smb": "password",
    "webdav": "password", "webhdfs": "password", "hdfs": "", "abfs": "account_key", "az": "account_key", "gs": "token", "gcs": "token", "memory": "",
}  # fmt: skip
"""Protocols that may be used, and the name of fsspec's option that takes the source's secret. Those that read this machine or chain stores are left out."""


def protocol_of(url: str) -> str:
    """``file`` for a plain path."""
    head, found, _ = url.partition("://")
    return head.lower() if found else "file"


def local_folder(url: str) -> Path | None:
    """The folder on this machine; ``None`` where the url names another store.

    Raises:
        ValueError: the url names neither.
    """
    protocol = protocol_of(url)
    if protocol in STORES and "::" not in url:
        return None
    if protocol != "file" or "::" in url:
        raise ValueError(f"no store is known for {protocol}")
    if "://" not in url:
        return Path(url)
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment or not parts.path.startswith("/"):
        raise ValueError("a file URL is written file:///absolute/path")
    return Path(unquote(parts.path))
