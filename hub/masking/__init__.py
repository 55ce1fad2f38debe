"""What masking rules give away: previews on values that nobody has, and which of two rules shows more. No data of a source is ever read here."""
