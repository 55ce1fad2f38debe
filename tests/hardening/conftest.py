"""The one hub that these tests share."""

from __future__ import annotations

from tests.hub.running import hub

__all__ = ["hub"]
