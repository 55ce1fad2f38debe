"""The server that the slow tests mask in."""

from tests.servers.fixtures import mariadb, postgres

__all__ = ["mariadb", "postgres"]
