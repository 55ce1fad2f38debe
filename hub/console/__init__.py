"""GraphiQL at the hub's two endpoints, served from the hub alone."""
