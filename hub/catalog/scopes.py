"""The roles that administrative acts ask for."""

from __future__ import annotations

SYSTEM = "governance:system"
SECURITY = "governance:security"
AUDIT = "governance:audit"
CATALOG = "governance:catalog"
"""May import the manifest of any department."""
STEWARD = "governance:steward"
"""May import the manifest of the own department."""
OWNER = "governance:owner"
"""May act for the applications of which it is the owner, with their rights."""
OWNER = "governance:owner"
"""Answers for applications (``application.owner``); a person's role."""
