"""Connectors: how a department's system is read. They know sources, selections and rows; nothing of users or GraphQL."""
