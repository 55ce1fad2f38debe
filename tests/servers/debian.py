"""Programs of Debian that tests start: installed when missing and when this user may, else told by name."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def ensure(package: str, binary: str) -> Path:
    """The path of a package's program; installs the package when run as root.

    Raises RuntimeError saying what to install when this user may not, or when the installation fails.
    """
    if found := shutil.which(binary):
        return Path(found)
    remedy = f"{binary} is missing: run `apt-get install {package}` as root"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise RuntimeError(remedy)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", package]):
        done = subprocess.run(["apt-get", "-q", *arguments], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{remedy}; apt-get {arguments[0]} said: {done.stderr.strip()[-500:]}")
    if found := shutil.which(binary):
        return Path(found)
    raise RuntimeError(f"{package} is installed but has no program named {binary}")
