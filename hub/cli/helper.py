"""What GraphiQL's token helper offers: the demonstration's applications, each with the use that it declares."""

from __future__ import annotations

from urllib.parse import quote

from hub.app import DemoState
from hub.console.pages import DemoApplication
from hub.demo.declarations import APPLICATIONS, Application

_GOVERNANCE = "governance:"


def demo_state() -> DemoState:
    """The applications by endpoint, and their headers of use."""
    return DemoState(_applications, _headers)


def _applications(endpoint: str) -> list[DemoApplication]:
    return [_shown(one) for one in APPLICATIONS if _administers(one) == (endpoint == "governance")]


def _administers(application: Application) -> bool:
    return any(scope.startswith(_GOVERNANCE) for scope in application.scopes)


def _shown(one: Application) -> DemoApplication:
    return DemoApplication(one.code, f"{one.name} {one.name_en}", one.description, tuple(purpose.code for purpose in one.purposes), one.operator)


def _headers(name: str) -> dict[str, str] | None:
    for one in APPLICATIONS:
        if one.code == name:
            return {"Huitong-Purpose": one.purposes[0].code, "Huitong-Operator": quote(one.operator, safe="")}
    return None
