"""What libraries load beside themselves is left out for them and for the hub's own code, and for nobody else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

LOADED = """
import json, sys
from hub.exchange.work.unwanted import BESIDE_ARROW, leave_out
if "out" in sys.argv:
    leave_out(BESIDE_ARROW, ("pyarrow",))
exec("import pyarrow; pyarrow.array([1, 2])", {"__name__": "hub.somewhere"})
told = [name in sys.modules for name in BESIDE_ARROW[:2]]
import numpy
print(json.dumps([told, numpy.arange(3).sum().item()]))
"""


def loaded(*arguments: str) -> list[object]:
    """Whether numpy and pandas are loaded once Arrow has worked, and what numpy does for a program that asks for it."""
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, check=True, timeout=60)
    found: list[object] = json.loads(done.stdout)
    return found


def test_arrow_loads_neither_numpy_nor_pandas_and_a_program_that_asks_gets_them() -> None:
    assert loaded() == [[True, True], 3]
    assert loaded("out") == [[False, False], 3]


def test_the_order_of_subjects_needs_no_pandas() -> None:
    """It is made in the hub too, where nothing is left out."""
    text = "import sys; from hub.exchange.work.subjects import ordered; ordered(bytes(range(64)) * 2); print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", text], capture_output=True, check=True, timeout=60).stdout == b"False\n"
