"""Values of columns as a service writes them, for what is asked of it."""

from __future__ import annotations

from connectors.rest.dates import written
from connectors.rest.endpoint import Endpoint
from connectors.selection import Value


def spelt(endpoint: Endpoint, column: str, value: Value) -> Value:
    """The value as the service writes it; null where it cannot write it."""
    form = endpoint.dates.get(column)
    return value if form is None else written(value, form, endpoint.zone)
