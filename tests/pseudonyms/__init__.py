"""Pseudonyms through a whole hub, and their keys."""
