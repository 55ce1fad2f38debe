"""Tables of the documentation that follow from the code: ``python -m tests.docs.reference`` writes them into their pages."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import typer
from annotated_types import Ge, Gt, Le, Lt

from hub.cli.app import app
from hub.people.permissions import MUTATIONS, QUERIES, Reach
from hub.people.roles import ROLES
from hub.settings import Settings
from hub.sharing.explain_articles import meanings
from hub.sharing.rules.files import SHIPPED, Entry, read_set
from tests.docs.drawing import MACHINES, drawing
from tests.docs.pages import DOCS
from tests.docs.workflow import feedback_tables, sharing_tables

_SIGNS = {Ge: "≥", Gt: ">", Le: "≤", Lt: "<"}
_BOUNDS = {Ge: "ge", Gt: "gt", Le: "le", Lt: "lt"}


def _table(heading: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def settings_table() -> str:
    """One row per setting."""
    return _table(("in `huitong.toml`", "environment", "default", "range", "meaning"), _settings())


def _settings() -> Iterator[Sequence[str]]:
    for name, field in Settings.model_fields.items():
        short = f", `{name.upper()}`" if name in ("host", "port") else ""
        bounds = ", ".join(f"{_SIGNS[type(one)]} {getattr(one, _BOUNDS[type(one)])}" for one in field.metadata if type(one) in _SIGNS)
        default = f"`{field.default}`" if str(field.default) else "see meaning"
        yield f"`{name}`", f"`HUITONG_{name.upper()}`{short}", default, bounds, field.description or ""


def cli_table() -> str:
    """One row per command."""
    return _table(("command", "what it does", "arguments and options"), _commands())


def _commands() -> Iterator[Sequence[str]]:
    for path, command in walk(typer.main.get_command(app), ()):
        options = [f"`{'/'.join(option.opts)}`" if option.opts[0].startswith("-") else f"`{option.name.upper()}`" for option in command.params]
        yield f"`huitong {' '.join(path)}`", (command.help or "").split("\n")[0], " ".join(options)


def rules_tables() -> str:
    """One row per term and per reason of the rule sets that come with the hub."""
    sets = [(code, read_set(SHIPPED / f"{code}.toml")) for code in ("n809", "guiyang", "fuzhou")]
    terms = (
        (f"`{term.code}`", f"{term.subject} {term.subject_en}", f"`{code}` {term.article}", f"`{term.starts}`", term.party, *_days(term), term.note)
        for code, rules in sets
        for term in rules.terms
    )
    reasons = (
        (f"`{reason.code}`", reason.use, f"{reason.name} {reason.name_en}", f"`{code}` {reason.article}") for code, rules in sets for reason in rules.reasons
    )
    return (
        _table(("term", "subject", "article", "starts with", "party", "working days", "extension", "note"), terms)
        + "\n"
        + _table(("reason", "use", "meaning", "article"), reasons)
    )


def _days(term: Entry) -> tuple[str, str]:
    return str(term.working_days or "–"), f"+{term.extension_days}" if term.extension_days else ""


def reasons_table() -> str:
    """One row per reason of a decision."""
    rows = ((f"`{reason.value}`", f"{found.zh} {found.en}", "; ".join(f"{a.code} {a.zh}" for a in found.articles)) for reason, found in meanings().items())
    return _table(("reason 原因", "meaning 含义", "articles 条文"), rows)


_REACHES = {Reach.OWN: "own 本人应用", Reach.DEPARTMENT: "department 本部门", Reach.ALL: "●"}


def roles_tables() -> str:
    """One row per root field of the governance endpoint, one column per role: queries, then mutations."""
    heads = [role.partition(":")[2] for role in ROLES]
    parts = (("query 查询", QUERIES), ("mutation 操作", MUTATIONS))
    made = (_table((head, *heads), ((f"`{name}`", *_reaches(roles)) for name, roles in table.items())) for head, table in parts)
    return "\n".join(made)


def _reaches(roles: Mapping[str, Reach]) -> Iterator[str]:
    for role in ROLES:
        yield _REACHES[roles[role]] if role in roles else ""


def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command under this one, with the words that call it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, below in inner.items():
        yield from walk(below, (*path, name))


TABLES: dict[str, Callable[[], str]] = {
    "settings.md": settings_table,
    "cli.md": cli_table,
    "rules.md": rules_tables,
    "rights.md": reasons_table,
    "roles.md": roles_tables,
    "sharing.md": sharing_tables,
    "feedback.md": feedback_tables,
}
"""Page → the table that stands between its two marks."""
MARKED = re.compile(r"(?<=<!-- from the code -->\n\n).*?(?=\n<!-- end -->)", re.DOTALL)


def main() -> None:
    """Writes every table into its page, and the drawings."""
    for name, make in TABLES.items():
        path = DOCS / name
        text = path.read_text(encoding="utf-8")
        found = MARKED.search(text)
        if found is not None:
            path.write_text(text[: found.start()] + make() + text[found.end() :], encoding="utf-8")
        sys.stdout.write(f"{path}\n")
    for name in MACHINES:
        (DOCS / f"{name}.svg").write_text(drawing(name), encoding="utf-8")


if __name__ == "__main__":
    main()
