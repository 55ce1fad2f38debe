"""Terms of a grant without fault."""

from __future__ import annotations

from typing import Any

from hub.core import Core

ITEMS = [{"code": "id_number", "value": "MASKED", "key": True}, {"code": "birth_date", "value": "CLEAR"}]


def terms(**changed: Any) -> dict[str, Any]:
    """What an administrator writes."""
    made: dict[str, Any] = {
        "application": "housing",
        "resource": "civil_affairs.person",
        "operations": ["QUERY", "VERIFY"],
        "items": ITEMS,
        "rows": {"birth_date": {"gte": "1990-01-01"}},
        "purposes": [{"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}],
        "per_claim": True,
        "discloses_existence": False,
        "max_page": 100,
        "quota": {"calls": 10, "rows": None, "per": "DAY"},
        "documents": ["0" * 64],
        "approver": "王局长",
    }
    return {**made, **changed}


def client(core: Core) -> str:
    """The client id of ``housing``."""
    found = core.registry.by_name("housing")
    assert found is not None
    return found.client_id
