"""The ledger: one durable, signed, provable entry for every access. ``service.py`` assembles it; ``append.py`` is where a call meets it."""
