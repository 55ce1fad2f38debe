"""What the pages for people have in common: templates, headers, the origin of forms, and where one may be sent after a login."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

NEXT_PATHS: Final = ("/account", "/oauth/authorize", "/graphql", "/governance/graphql")
"""Where a login may lead to, query apart."""
_FOLDER: Final = Path(__file__).parent
_PLAIN: Final = re.compile(r"[!-\[\]-~]{1,4000}\Z")
"""Visible ASCII without the backslash, which browsers read as a slash."""


def make_environment() -> Environment:
    """The templates of ``hub/people/templates``; everything that they show is escaped, and what they are not given is a fault."""
    return Environment(loader=FileSystemLoader(_FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def page_headers(form_action: Sequence[str] = ()) -> dict[str, str]:
    """Headers of a page. ``form_action``: origins, beside the hub's own, to which the answer to its form may lead.

    Not ``no-referrer``: under that policy browsers send ``Origin: null`` with the page's own forms (Fetch, "append a request Origin header").
    """
    policy = (
        "default-src 'none'",
        "style-src 'self'",
        "img-src data:",
        " ".join(("form-action 'self'", *form_action)),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


class Templates:
    """Renders pages with their headers."""

    def __init__(self) -> None:
        self._environment = make_environment()

    def render(self, template: str, status: int = 200, form_action: Sequence[str] = (), **context: Any) -> HTMLResponse:
        """A page of the folder ``templates``; each extends ``base.html`` and is given ``title``."""
        text = self._environment.get_template(template).render({"session": None, **context})
        return HTMLResponse(text, status, headers=page_headers(form_action))


def safe_next(path: str) -> str:
    """The path itself where it is one of this hub's pages that a login may lead to, else ``/account``."""
    if not _PLAIN.match(path):
        return "/account"
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/account"
    own = not parts.scheme and not parts.netloc and not parts.fragment and parts.path in NEXT_PATHS
    return path if own else "/account"


def login_address(next_path: str) -> str:
    """The login page that leads on to ``next_path``."""
    return f"/account/login?next={quote(safe_next(next_path), safe='')}"


def from_own_page(request: Request, url: str) -> bool:
    """Whether a browser sent this form from a page of the hub, ``url`` being the hub's public address.

    Neither ``Origin`` (RFC 6454 §7) nor ``Sec-Fetch-Site`` may name another place, and one of them must be there. The host that the
    browser used is as good as the public one: the hub answers under allowed hosts alone.
    """
    origins, sites = request.headers.getlist("origin"), request.headers.getlist("sec-fetch-site")
    parts = urlsplit(url)
    own = {f"{parts.scheme}://{parts.netloc}".lower(), f"{parts.scheme}://{request.headers.get('host', '')}".lower()}
    if not origins and not sites:
        return False
    return all(origin.lower() in own for origin in origins) and all(site == "same-origin" for site in sites)
