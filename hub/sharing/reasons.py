"""Codified reasons 代码化理由 (APP-05): which may be given for an act, by the rule sets in force."""

from __future__ import annotations

from hub.catalog.problems import Problem, Refused
from hub.sharing.machine import Transition
from hub.sharing.rules import RuleBook
from hub.sharing.rules.files import Use
from hub.sharing.steps import MOST_OPINION
from hub.sharing.texts import NOT_PLAIN, is_plain
from hub.sharing.workdays import china_day
from hub.store.base import now

OTHER = "OTHER"
"""Always there; the opinion says what it is."""
NOT_STATED = "（未说明 not stated）"
"""The opinion of a suspension for which no reason was given: the first form of ``suspendGrant`` asks for none."""
NEVER_GIVEN = frozenset({"NOT_ENDORSED", "NOT_COMPLETED", "NOT_RECTIFIED"})
"""Reasons that an act of their own records, or that no refusal may have: missing papers are none (N809-21)."""


def reasons_for(book: RuleBook, use: Use) -> dict[str, str]:
    """The codes that may be given today, with the articles they rest on."""
    found = book.reasons(use, china_day(now()))
    return {code: cited.rule for code, cited in found.items() if code not in NEVER_GIVEN} | ({} if OTHER in found else {OTHER: ""})


def reason_of(book: RuleBook, transition: Transition, given: str | None, opinion: str) -> str | None:
    """The reason that is recorded with a transition.

    Raises:
        Refused: a reason is needed and the one given is none of them, or says nothing by itself while the opinion is empty.
    """
    if transition.reason is None:
        return transition.fixed
    known = reasons_for(book, transition.reason)
    if given not in known:
        raise Refused(Problem("BAD_INPUT", "须给出代码化理由 a codified reason is needed (APP-05)", f"reason: {', '.join(known)}; opinion", "reason"))
    if given == OTHER and not opinion.strip():
        raise Refused(Problem("BAD_INPUT", "OTHER 须在意见中写明 OTHER is explained in the opinion", "opinion", "reason"))
    return given


def check_opinion(transition: Transition, opinion: str) -> None:
    """Refuses an act whose opinion is missing, too long, or reads otherwise than it is.

    Raises:
        Refused: ``BAD_INPUT``.
    """
    if transition.opinion and not opinion.strip():
        path = "reason" if transition.reason else "opinion"
        raise Refused(Problem("BAD_INPUT", "须写明意见 an opinion is needed", "opinion", path))
    if problem := opinion_problem(opinion):
        raise Refused(problem)


def opinion_problem(opinion: str) -> Problem | None:
    """What is wrong with the text of an opinion, whatever it is about."""
    if not is_plain(opinion):
        return Problem("BAD_INPUT", f"意见{NOT_PLAIN}", "请去除 remove them", "opinion")
    if len(opinion) > MOST_OPINION:
        return Problem("BAD_INPUT", f"意见至多 {MOST_OPINION} 字 the opinion has {MOST_OPINION} characters at most", "", "opinion")
    return None
