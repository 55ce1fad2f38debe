"""The hub over HTTP: endpoints, their request and answer formats."""
