"""SQL databases: statements are compiled once by SQLAlchemy Core and run on the driver itself. No driver is imported before a source is opened."""

from connectors.sql.connector import SqlConnector

__all__ = ["SqlConnector"]
