"""Deliveries of files: CSV, XLSX, JSON Lines and Parquet in a folder, each validated as a whole and served from a columnar snapshot."""

from connectors.files.connector import FilesConnector

__all__ = ["FilesConnector"]
