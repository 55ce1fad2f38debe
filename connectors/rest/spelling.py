"""Values of columns as a service writes them, for what is asked of it."""

from __future__ import annotations

from connectors.rest.charsets import encodable
from connectors.rest.dates import written
from connectors.rest.endpoint import Endpoint
from connectors.selection import Kind, Value


def spelt(endpoint: Endpoint, column: str, value: Value) -> Value:
    """The value as the service writes it; null where it cannot write it."""
    form = endpoint.dates.get(column)
    made = value if form is None else written(value, form, endpoint.zone)
    return made if not isinstance(made, str) or encodable(made, endpoint.request_charset) else None


def kind_of(endpoint: Endpoint, column: str, kind: Kind) -> Kind:
    """What the service has in a column of the catalog's kind: dates in a form of their own are texts or numbers to it."""
    return Kind.STRING if column in endpoint.dates else kind
