"""Other GraphQL services, another hub among them: lists of objects, read by their introspected types."""

from connectors.graphql.connector import GraphqlConnector

__all__ = ["GraphqlConnector"]
