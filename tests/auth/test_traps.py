"""The eleven traps of building an authorization server on Authlib and joserfc: each has a test that names it."""

from __future__ import annotations

import re

import httpx2
import pytest
from authlib.integrations.httpx_client import OAuth2Client

from tests.auth.support import World
from tests.docs.pages import ROOT

pytestmark = pytest.mark.fast
_IMPORT = re.compile(r"^from (authlib[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)
_TESTS = ROOT / "tests" / "auth"


def _imported() -> set[str]:
    """Every name that the hub's own code imports from Authlib."""
    found: set[str] = set()
    for folder in ("hub", "schema", "auth", "connectors"):
        for path in (ROOT / folder).rglob("*.py"):
            for module, names in _IMPORT.findall(path.read_text(encoding="utf-8")):
                found |= {f"{module}.{name}" for name in re.findall(r"\w+", names)}
    return found


def test_each_trap_has_a_test_that_names_it() -> None:
    told = {int(number) for path in _TESTS.glob("test_*.py") for number in re.findall(r"def test_\w*trap_(\d+)", path.read_text(encoding="utf-8"))}
    assert told == set(range(1, 12))


def test_trap_6_scopes_are_compared_as_sets_and_not_by_authlibs_protector(world: World) -> None:
    """Authlib's resource protector takes a list of scopes for any one of them; the hub compares sets itself."""
    assert not [name for name in _imported() if "ResourceProtector" in name or "rfc6750.validator" in name]
    granted = world.verifier.verify(world.issuing.issue("app", ["a"]).token).scopes
    assert granted == {"a"}
    assert not granted >= {"a", "b"}


def test_trap_10_authlibs_http_client_is_the_one_over_httpx2() -> None:
    """Without httpx2 it falls back to another library."""
    assert issubclass(OAuth2Client, httpx2.Client)


def test_trap_11_the_deprecated_jose_module_is_not_used() -> None:
    found = _imported()
    assert found
    assert not [name for name in found if name.startswith("authlib.jose")]
