"""Reading the ledger by those whom it concerns, and taking it away in files."""
