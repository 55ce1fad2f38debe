"""The tests.

Modules are compiled once and kept, also where the environment forbids it: compiled anew, they would cost every process that a test starts some seconds.
"""

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
