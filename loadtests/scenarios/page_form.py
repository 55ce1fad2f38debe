"""What is typed in Locust's web page, looked at as the command line's options are, before a run begins with it: the page itself takes any text."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Mapping

from flask import Response, jsonify, request
from locust.web import WebUI

from loadtests.scenarios.address import address
from loadtests.scenarios.options import READERS


def guard(page: WebUI) -> None:
    """Has the page answer a form that no run can use with what is wrong, as it answers its own mistakes."""

    def look() -> Response | None:
        # Behind the name of Locust's own blueprint.
        begins = (request.endpoint or "").rpartition(".")[2] == "swarm"
        found = fault(request.form) if begins else None
        return None if found is None else jsonify({"success": False, "message": found, "host": page.environment.host})

    if page.app is not None:
        page.app.before_request(look)


def fault(form: Mapping[str, str]) -> str | None:
    """What is wrong with the first field that cannot be used; nothing of a form that has one is taken."""
    try:
        if "host" in form:
            address(form["host"])
    except ValueError as error:
        return str(error)
    for option, read in READERS.items():
        text = form.get(option.strip("-").replace("-", "_"))
        try:
            if text is not None:
                read(text)
        except (ValueError, ArgumentTypeError) as error:
            return f"{option}: {error}"
    return None
