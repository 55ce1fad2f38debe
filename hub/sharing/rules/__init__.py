"""Rule sets 规则集: terms and codified reasons as data, each with the article that it rests on."""

from hub.sharing.rules.book import RuleBook, Term
from hub.sharing.rules.deadlines import Deadline, recompute
from hub.sharing.rules.files import Entry, Reason, RuleFault, RuleSet

__all__ = ["Deadline", "Entry", "Reason", "RuleBook", "RuleFault", "RuleSet", "Term", "recompute"]
