"""The verifier stands alone: in its imports, and as one file in a Python that has nothing but ``cryptography``."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

import verifier
from hub.cli.ledger_verifier import packed
from hub.ledger.receipt import Receipt
from tests.verifier.build import Log, line

FOLDER = Path(verifier.__file__).parent
MAY = {"cryptography", "verifier"}


@pytest.mark.fast
def test_its_modules_import_the_standard_library_and_cryptography_alone() -> None:
    seen = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                seen |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                seen.add(str(node.module).partition(".")[0])
    assert seen - sys.stdlib_module_names == MAY


@pytest.mark.fast
def test_the_one_file_is_the_same_every_time_and_whole() -> None:
    assert packed() == packed()
    assert all(path.name.encode() in packed() for path in FOLDER.glob("*.py"))


_RUN = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    code = end.code
names = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
print(code, *sorted(names), file=sys.stderr)
"""


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A folder with ``cryptography``, the compiled module of ``cffi`` that it needs, and nothing else."""
    folder = tmp_path / "alone"
    folder.mkdir()
    for name in ("cryptography", "_cffi_backend"):
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        origin = Path(found.origin)
        given = origin.parent if origin.name == "__init__.py" else origin
        (folder / given.name).symlink_to(given)
    return folder


def run(tmp_path: Path, path: Path, *arguments: object) -> tuple[str, list[str]]:
    """Standard output, and the exit code with the foreign modules that were loaded."""
    file = tmp_path / "huitong-verify.pyz"
    file.write_bytes(packed())
    environment = {"PYTHONPATH": str(path), "PATH": os.defpath, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-S", "-B", "-P", "-c", _RUN, str(file), *map(str, arguments)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    return done.stdout, done.stderr.splitlines()[-1].split()


@pytest.mark.slow
def test_the_one_file_verifies_in_a_python_without_the_hub(log: Log, receipts: list[Receipt], alone: Path, tmp_path: Path) -> None:
    receipt = log.file("receipt.json", orjson.dumps(receipts[3].as_json()))
    said, (code, *loaded) = run(tmp_path, alone, "receipt", receipt, "--key", log.key, "--proof", log.proof(3), "--json")
    assert code == "0"
    assert json.loads(said)["checked"] == {"receipts": 1, "proofs": 1}
    assert set(loaded) <= MAY | {"__main__", "_cffi_backend", "_openssl"}
    whole = log.file("all.jsonl", b"".join(map(line, log.segment(0, 7, 7))).replace(b"rent", b"sent", 1))
    said, (code, *_) = run(tmp_path, alone, "export", whole, "--key", log.key)
    assert code == "1"
    assert "REFUTED [0]" in said


@pytest.mark.slow
def test_the_one_file_says_what_it_lacks(log: Log, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    _, (code, *loaded) = run(tmp_path, tmp_path / "nothing", "checkpoint", log.key, "--key", log.key)
    assert code == "3"
    assert "hub" not in loaded
