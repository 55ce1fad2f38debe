"""Catalog → GraphQL types; document × rights → plan; plan × variables → answer and the accesses it made. Knows no ledger and no HTTP."""
