"""Delivery 交付: files of a finished exchange are taken to a place that the administrators named: a folder, an S3-compatible store, a table."""
