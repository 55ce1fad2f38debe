"""Measurements of the running hub: ``make bench`` compares it with others (:mod:`loadtests.comparison`), then writes docs/evidence/bench.md (:mod:`loadtests.bench`)."""
