"""``docs/errors.md`` and the code name the same errors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from hub.errors import STATUS
from schema.faults import Code, Fault
from tests.docs.pages import ROOT, code, page, section, tables

pytestmark = pytest.mark.slow
ROWS = {code(row[0]): row[1:] for row in tables(section(page("docs/errors.md"), "## Codes 代码"))[0][1:]}
PROBLEMS = {code(row[0]) for row in tables(section(page("docs/errors.md"), "## Problems of administrative acts 管理操作的问题"))[0][1:]}
RESERVED = {name for name, row in ROWS.items() if "Reserved, not raised yet" in row[3]}
_SHOUTED = re.compile(r"[A-Z][A-Z_]+\Z")


def _trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def _code_of(node: ast.expr) -> str | None:
    """``X`` of ``Code.X``."""
    return node.attr if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Code" else None


def _raised() -> set[str]:
    """Codes with which a fault is made anywhere."""
    made: set[str] = set()
    for _, tree in _trees("hub", "schema", "auth"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and (name := _code_of(node.args[0])):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                made |= {name} if called in ("Fault", "__init__") else set()
    return made


def _problem_codes() -> set[str]:
    """Codes of problems: first arguments of ``Problem(…)``, and first parts of what the manifest's checks yield."""
    found: set[str] = set()
    for path, tree in _trees("hub"):
        for node in ast.walk(tree):
            first = None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem" and node.args:
                first = node.args[0]
            elif path.startswith("hub/catalog/") and isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                first = node.value.elts[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and _SHOUTED.match(first.value):
                found.add(first.value)
    return found


def test_every_code_is_listed() -> None:
    """No code without a row, no row without a code."""
    assert set(ROWS) == {each.value for each in Code}


@pytest.mark.parametrize("each", Code, ids=lambda each: each.value)
def test_rows_tell_what_the_code_does(each: Code) -> None:
    """Status, origin and whether to retry are those of the code."""
    fault = Fault(each, "", "")
    status, origin, retryable, meaning, remedy = ROWS[each.value]
    assert (status, origin, retryable) == (str(STATUS[each]), fault.origin.value, "yes" if fault.retryable else "no")
    for text in (meaning, remedy):
        assert re.search(r"[一-鿿]", text)
        assert re.search(r"[A-Za-z]{3}", text)


def test_codes_are_raised_unless_reserved() -> None:
    """What is listed happens; what is reserved does not happen yet."""
    assert _raised() == set(ROWS) - RESERVED


def test_every_problem_is_listed() -> None:
    """No problem without a row, no row without a problem."""
    assert _problem_codes() == PROBLEMS
