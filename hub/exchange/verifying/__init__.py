"""Batch verification: a table of subjects and claims in, outcomes out, under the budgets and the ledger's duties of single verifications."""
