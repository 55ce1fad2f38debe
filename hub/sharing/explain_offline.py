"""Dry runs without a running hub: the catalog and the rights are read from the control database, and no source is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from anyio import run

from hub.api.data_schema import make_data_schema
from hub.core import Core
from hub.sharing.explain import Explainer
from hub.sharing.explain_run import Asked, DryRunner
from hub.sharing.explain_run_types import DryRun, dry_run_of
from schema.cursors import Cursors
from schema.documents import Documents
from schema.faces import Faces
from schema.plan import Plans
from schema.view import View


def run_offline(
    core: Core,
    name: str,
    text: str,
    variables: Mapping[str, Any],
    operation: str | None,
    purpose: str | None,
    moment: datetime,
    scopes: Iterable[str] | None = None,
) -> DryRun:
    """What the document would do for the application at the moment.

    Raises:
        Refused: there is no such application.
    """
    explainer = Explainer(core.engine, core.registry, core.book)
    app = explainer.application(name)
    view = View(make_data_schema()._schema, Faces(core.catalog.current(), explainer.rights(app, moment, scopes)))
    runner = DryRunner(core.engine, Documents(), Plans(), Cursors(core.cursor_key))
    return dry_run_of(run(runner.report, view, Asked.of(app, text, variables, operation, purpose)))
