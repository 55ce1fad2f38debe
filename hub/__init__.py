"""What runs: assembly, settings, command line, control database, catalog workflow, ledger, exchange, console."""

__version__ = "0.1.0"
