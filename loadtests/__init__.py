"""Measurements of the running hub: ``python -m loadtests.bench`` (``make bench``) writes docs/evidence/bench.md."""
