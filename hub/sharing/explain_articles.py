"""Reasons in words, and the articles that demand them, from ``rules/articles.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from auth.reasons import Reason

FILE = Path(__file__).parent / "rules" / "articles.toml"


@dataclass(frozen=True, slots=True)
class Article:
    """An article of a regulation: its citation in both languages, and what it says."""

    code: str
    zh: str
    en: str
    text: str
    set: str
    """The rule set that it belongs to."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason means, and the articles that demand it, of all rule sets."""

    zh: str
    en: str
    articles: tuple[Article, ...]

    def cited(self, sets: Collection[str]) -> tuple[Article, ...]:
        """The articles of these rule sets. What binds another city is no basis here: where none of these speaks there is none."""
        return tuple(article for article in self.articles if article.set in sets)


@cache
def meanings() -> Mapping[Reason, Meaning]:
    """Every reason's meaning. The file comes with the hub, and a test holds it complete."""
    content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    articles = {code: Article(code, **parts) for code, parts in content["article"].items()}
    found = {}
    for reason in Reason:
        entry = content["reason"][reason.value]
        found[reason] = Meaning(entry["zh"], entry["en"], tuple(articles[code] for code in entry["articles"]))
    return found
