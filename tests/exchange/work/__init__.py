"""Tests of the work of a chunk."""
