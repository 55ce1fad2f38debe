"""Dask's TLS, and the name of whom the hub calls. Loads Dask."""

from __future__ import annotations

import logging
from typing import Any

from distributed import Security

LOGGERS = ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application")
"""To which Dask gives levels of its own when it is loaded."""
for _name in LOGGERS:
    logging.getLogger(_name).setLevel(logging.WARNING)


class NamedSecurity(Security):
    """As Dask's own, but the hub believes a scheduler only that has a certificate for the name by which it is called.

    Dask looks at the authority alone: a worker's key would do to pose as the scheduler.
    """

    def __init__(self, **given: Any) -> None:
        Security.__init__(self, **given)

    def get_connection_args(self, role: str) -> dict[str, Any]:
        """Of connections that are opened."""
        found: dict[str, Any] = Security.get_connection_args(self, role)
        if role == "client":
            found["ssl_context"].check_hostname = True
        return found
