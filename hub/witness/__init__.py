"""Witnesses: processes elsewhere that cosign the ledger's checkpoints and refuse forks, and the hub's conversation with them."""
