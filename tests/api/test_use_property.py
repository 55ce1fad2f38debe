"""Whatever was granted to whom: a document runs under a purpose only if every resource that it uses was granted for that purpose (APP-06, LOG-05)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.rights import DEFAULT_PAGE_LIMIT, Decision, Operation, Purpose, Use
from hub.api.use import check_use
from schema.faults import Code, Fault

pytestmark = pytest.mark.fast
CODES = ("a", "b", "c", "A", "a.b", "x" * 64)
purposes = st.lists(st.sampled_from(CODES), max_size=4, unique=True).map(lambda codes: tuple(Purpose(code, f"场景{code}", "依据") for code in codes))


def decision(number: int, granted: tuple[Purpose, ...]) -> Decision:
    """What a grant for these purposes decides."""
    return Decision(f"d.r{number}", frozenset(Operation), {}, None, granted, DEFAULT_PAGE_LIMIT, False, False, f"grant{number}", "approver")


@given(st.lists(purposes, max_size=4), st.none() | st.sampled_from((*CODES, "unknown")), st.none() | st.just("经办"))
def test_a_purpose_holds_for_every_resource_or_for_none(granted: list[tuple[Purpose, ...]], purpose: str | None, operator: str | None) -> None:
    decisions = [decision(number, each) for number, each in enumerate(granted)]
    use = Use(purpose, operator)
    if not decisions:
        assert check_use(use, decisions) is None
        return
    allowed = purpose is not None and operator is not None and all(purpose in {p.code for p in each} for each in granted)
    if allowed:
        found = check_use(use, decisions)
        assert found is not None
        assert found.code == purpose
        return
    with pytest.raises(Fault) as refused:
        check_use(use, decisions)
    declared = purpose is not None and operator is not None
    assert refused.value.code is (Code.PURPOSE_NOT_GRANTED if declared else Code.PURPOSE_REQUIRED)
