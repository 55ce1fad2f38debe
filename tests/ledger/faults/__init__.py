"""Faults of disks and servers that the ledger must outlive, made by the kernel and by real servers."""
