"""Applications and what they may: purposes, access requests, grants, feedback."""
