"""REST services: collections of JSON items, read by the description of their endpoint in the catalog."""

from connectors.rest.connector import RestConnector

__all__ = ["RestConnector"]
