"""Counts that take long, and the evidence they leave: ``make soak``."""
