"""Verification as a guarded oracle: how much a department may guess about one subject, over how many subjects, and how many look-ups may find nothing."""
