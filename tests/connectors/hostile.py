"""Texts that a register may hold and that JSON, or those who write it, could stumble over."""

from __future__ import annotations

from hypothesis import strategies as st

FRAGMENTS = (
    "", '"', '""', "\\", '\\"', "\x01", "\x02", '"\x01', '""\x01', '"\x02', '""\x02"', '\x01"', "\n", "\r\n", "\t", "\b", "\f", "\x1f", "\x7f", "\x85",
    "\u2028", "\u2029", "\ufeff", "\ufffd", "\uffff", "é", "é", "贵阳", "🏠", "👩‍👩‍👧", "null", "true", "1", ",", ":", "{", "}", "[]", ',{"', '},{"a":"', '","b":"', '{"a":null}',
    "\\u0022", "\\u0001", "'", "''", "%s", "$1", ":p0", "</script>", " ", "x" * 5000,
)  # fmt: skip


def hostile_texts() -> st.SearchStrategy[str]:
    """Such fragments, joined, between any other characters. Without U+0000, which PostgreSQL's texts cannot hold."""
    anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
    return st.lists(st.sampled_from(FRAGMENTS) | anything, max_size=5).map("".join)
