"""Drafts a manifest from a live source. A draft is text: nothing is registered, published or kept of the values it looked at."""
