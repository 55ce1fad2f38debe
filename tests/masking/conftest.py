"""The server that the slow tests mask in."""

from tests.servers.fixtures import postgres

__all__ = ["postgres"]
