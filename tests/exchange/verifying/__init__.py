"""Batch verification."""
