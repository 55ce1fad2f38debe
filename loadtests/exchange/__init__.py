"""Exchanges against COPY and against a plain program: rows a second, memory, and what callers of queries notice meanwhile."""

from __future__ import annotations

from loadtests.report import Report


def run() -> Report:
    """A million rows, three rounds; about three minutes."""
    from loadtests.exchange.figures import report
    from loadtests.exchange.measure import Extent, filled, measure

    extent = Extent()
    with filled(extent.rows) as server:
        return report([measure(server, extent)])
