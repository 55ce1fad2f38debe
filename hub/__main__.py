"""``python -m hub`` is the command ``huitong``."""

from __future__ import annotations

from hub.cli import main

main()
