"""``make load`` asks the hub that HOST and PORT name."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.docs.pages import ROOT

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ([], "http://127.0.0.1:8000"),
        (["PORT=8080"], "http://127.0.0.1:8080"),
        (["HOST=hub.example.gov.cn", "PORT=8080"], "http://hub.example.gov.cn:8080"),
        (["HOST=hub.example.gov.cn:8000"], "http://hub.example.gov.cn:8000"),
        (["HOST=hub.example.gov.cn:8000", "PORT=8080"], "http://hub.example.gov.cn:8000"),
        (["HOST=[::1]"], "http://[::1]:8000"),
        (["HOST=[::1]:8080"], "http://[::1]:8080"),
        (["HOST=https://hub.example.gov.cn"], "https://hub.example.gov.cn"),
    ],
)
def test_the_host_is_asked_at_one_port(given: list[str], asked: str) -> None:
    """A port in HOST is enough, as docs/load-testing.md writes it."""
    told = {name: value for name, value in os.environ.items() if name not in ("HOST", "PORT", "MAKEFLAGS", "MFLAGS")}
    done = subprocess.run(["make", "--dry-run", "--old-file=dev", "load", *given], cwd=ROOT, env=told, capture_output=True, text=True, check=True)
    assert re.findall(r"--host (\S+)", done.stdout) == [asked]
