"""The hubs that the comparison measures without one feature start: what they take away is still where they look for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from loadtests.without import FEATURES, VARIABLE
from tests.docs.pages import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_can_be_taken_away(feature: str) -> None:
    command = [sys.executable, "-m", "loadtests.without", "--help"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, VARIABLE: feature}, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "serve" in done.stdout
