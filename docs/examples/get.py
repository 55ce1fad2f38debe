"""GET something of a hub with an access token: ``get.py URL [FILE]``, the token in HUITONG_TOKEN. Needs nothing but Python."""

from __future__ import annotations

import http.client
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit


def main(url: str, file: str | None = None) -> int:
    """Writes the body to the file or to standard output; 1 where the hub refuses."""
    at = urlsplit(url)
    kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    connection = kind(at.netloc, timeout=600)
    token = os.environ.get("HUITONG_TOKEN")
    connection.request("GET", at.path, headers={"Authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    if answer.status != 200:
        sys.stderr.write(f"{answer.status} {answer.read().decode(errors='replace')}\n")
        return 1
    if file is None:
        shutil.copyfileobj(answer, sys.stdout.buffer)
        return 0
    with Path(file).open("wb") as target:
        shutil.copyfileobj(answer, target)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
