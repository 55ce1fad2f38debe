"""The house's order: imports run downwards, modules stay small, what is public says what it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("hub", "schema", "auth", "connectors", "masking")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "node_modules" not in path.parts)
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.slow
def test_imports_run_downwards() -> None:
    done = subprocess.run([Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 broken" in done.stdout


@pytest.mark.fast
def test_modules_are_small() -> None:
    assert len(MODULES) > 500
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in MODULES + TESTS}
    assert {path: length for path, length in lengths.items() if length > 500} == {}


def imported_at_once(path: Path, known: set[str]) -> set[str]:
    """Modules of the house that importing this one imports, those inside functions and type checks apart."""
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in known else node.module for alias in node.names}
    return found & known


@pytest.mark.fast
def test_no_module_imports_itself_in_a_circle() -> None:
    known = {name_of(path): path for path in MODULES}
    graph = {name: imported_at_once(path, set(known)) - {name} for name, path in known.items()}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in sorted(graph[name]):
                walk(other, (*trail, name))
            done.add(name)

    for name in graph:
        walk(name, ())
    assert len(done) == len(MODULES)


def undocumented(path: Path) -> list[str]:
    """Public functions, classes and methods without a docstring; a protocol's and an overriding method's may be silent."""
    found = []
    tree = ast.parse(path.read_text("utf-8"))
    if not ast.get_docstring(tree):
        found.append("the module")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node) and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(node.name)
            if isinstance(node, ast.ClassDef) and not any(isinstance(base, ast.Name) and base.id in ("Protocol", "Visitor") for base in node.bases):
                found += [f"{node.name}.{each}" for each in _silent_methods(node)]
    return found


def _silent_methods(node: ast.ClassDef) -> list[str]:
    methods = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [each.name for each in methods if not each.name.startswith("_") and not ast.get_docstring(each)]


@pytest.mark.fast
def test_what_is_public_says_what_it_is() -> None:
    found = {str(path.relative_to(ROOT)): undocumented(path) for path in MODULES if path.relative_to(ROOT).parts[0] != "hub"}
    assert len(found) > 100
    assert {path: silent for path, silent in found.items() if silent} == {}


@pytest.mark.fast
def test_no_room_has_the_name_of_something_installed() -> None:
    installed = packages_distributions()
    for room in ROOMS:
        assert set(installed.get(room, ())) <= {"huitong"}, f"{room} is a package of {installed[room]} as well"
        assert room not in sys.stdlib_module_names
