"""Usage for the assessment 考核: daily figures rolled up from the ledger, rules against inflation, and reports made of both."""
