"""Links inside the documentation lead somewhere; every decision has its parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hub
from tests.docs.pages import DOCS, ROOT, page

pytestmark = pytest.mark.fast
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")) if "evidence" not in path.parts)
DECISIONS = sorted((DOCS / "decisions").glob("0*.md"))
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def _prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def _anchors(text: str) -> set[str]:
    """Headings as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", _prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken(path: str) -> Iterator[str]:
    for link in _LINK.findall(_prose(page(path))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (ROOT / path).parent / file if file else ROOT / path
        if not target.exists() or (anchor and anchor not in _anchors(target.read_text(encoding="utf-8"))):
            yield link


@pytest.mark.parametrize("path", PAGES)
def test_links_lead_somewhere(path: str) -> None:
    """Files exist, and so do the headings that links name."""
    assert list(_broken(path)) == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decisions_have_their_parts(path: Path) -> None:
    """Number, context, decision, what was rejected; listed in the index."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:4]} ")
    for part in ("**Context.**", "**Decision.**", "**Rejected.**"):
        assert part in text
    assert f"({path.name})" in page("docs/decisions/README.md")


def test_files_that_decisions_name_exist() -> None:
    """A decision that names code names code that is there."""
    for path in DECISIONS:
        for name in re.findall(r"`((?:hub|schema|auth|connectors|masking)/[\w/.]*)`", path.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), (path.name, name)


def test_versions_agree() -> None:
    """The changelog has a section for what is not released, and the README speaks of this version."""
    assert "## [Unreleased]" in page("CHANGELOG.md")
    assert f"Version {hub.__version__}" in page("README.md")
    assert hub.__version__ in page("README.zh-CN.md")


def test_notice_names_every_package_that_runs() -> None:
    """What is locked to run is named, but for packages of other platforms."""
    locked = re.findall(r"^([A-Za-z0-9_.-]+)==[^ ]+(?:( ;.*))?", page("requirements/run.txt"), re.MULTILINE)
    notice = page("NOTICE").lower().replace("_", "-")
    missing = [name for name, marker in locked if not marker and not re.search(rf"^  {re.escape(name.lower())} ", notice, re.MULTILINE)]
    assert missing == []
