"""``python -m hub.exchange.work``: see :mod:`hub.exchange.work.serving`, which is loaded when the process is lean."""

from __future__ import annotations

from hub.exchange.work.lean import keep_lean


def main() -> None:
    """Works until the hub is done with it."""
    keep_lean()
    from hub.exchange.work.serving import main as serve

    serve()


if __name__ == "__main__":
    main()
