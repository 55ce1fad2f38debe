"""``huitong rules``: the terms and reasons in force, each with the article that it rests on."""

from __future__ import annotations

from datetime import date
from typing import Annotated, get_args

import typer

from hub.cli.faults import CliFault
from hub.cli.options import EXAMPLES, AsJson
from hub.cli.output import Record, show_rows
from hub.clock import now
from hub.settings import load_settings
from hub.sharing.rules import RuleBook
from hub.sharing.rules.book import Voice
from hub.sharing.rules.files import Use
from hub.sharing.workdays import china_day

group = typer.Typer(help="规则集 Rule sets: terms and reasons, each with its article.", no_args_is_help=True)
OnDay = Annotated[str | None, typer.Option("--on", metavar="DAY", help="以该日为准 As of this day; default: today.")]


@group.command("list", epilog=EXAMPLES + "huitong rules list\n\nHUITONG_RULE_SETS=guiyang,n809 huitong rules list --on 2025-07-31")
def show_all(on: OnDay = None, as_json: AsJson = False) -> None:
    """列出有效期限 List the terms in force: what prevails, its article, what stands above it without a number of days, and what it overrides."""
    book, day = _open(), _day(on)
    rows = [_row(code, said) for code in book.codes() if (said := book.voices(code, day))]
    show_rows(rows, as_json, f"{day} 无有效期限 no term is in force on that day; rule_sets: {', '.join(book.sets)}")


@group.command("show", epilog=EXAMPLES + "huitong rules show answer_conditional\n\nhuitong rules show refusal")
def show(
    code: Annotated[str, typer.Argument(help="期限代码，或 refusal | suspension | termination Code of a term, or the use of reasons.")],
    on: OnDay = None,
    as_json: AsJson = False,
) -> None:
    """查看一项期限或者一类理由 Show what every rule set says on a term, with its words; or the codified reasons for a use."""
    book, day = _open(), _day(on)
    if code in get_args(Use):
        rows = _reasons(book, code, day)
    else:
        if code not in book.codes():
            raise CliFault(f"没有期限 no term {code}", ", ".join([*book.codes(), *get_args(Use)]))
        rows = [_said(voice) for voice in book.voices(code, day)]
    show_rows(rows, as_json, f"{day} 无有效规定 nothing is in force on that day")


def _open() -> RuleBook:
    settings = load_settings()
    return RuleBook.open(settings.rule_sets, settings.rules)


def _day(text: str | None) -> date:
    if text is None:
        return china_day(now())
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CliFault(f"日期格式不正确 not a day: {text}", "2026-02-13") from None


def _row(code: str, said: list[Voice]) -> Record:
    place = next(i for i, voice in enumerate(said) if voice.prevails)
    first, entry = said[place], said[place].entry
    return {
        "code": code,
        "subject": f"{entry.subject} {entry.subject_en}",
        "starts": entry.starts,
        "party": entry.party,
        "working_days": entry.working_days,
        "extension_days": entry.extension_days,
        "set": first.set,
        "article": first.rule,
        "under": [voice.rule for voice in said[:place]],
        "overrides": [_briefly(voice) for voice in said[place + 1 :]],
    }


def _briefly(voice: Voice) -> str:
    days = voice.entry.working_days
    return f"{voice.rule} ({'-' if days is None else days})"


def _said(voice: Voice) -> Record:
    entry = voice.entry
    fields = entry.model_dump(
        mode="json", include={"code", "subject", "subject_en", "starts", "party", "working_days", "extension_days", "once", "text", "note"}
    )
    return {"prevails": voice.prevails, "set": voice.set, "article": voice.rule, **fields}


def _reasons(book: RuleBook, use: str, day: date) -> list[Record]:
    found = book.reasons(next(known for known in get_args(Use) if known == use), day)
    return [
        {"code": code, "name": cited.reason.name, "name_en": cited.reason.name_en, "set": cited.set, "article": cited.rule, "text": cited.reason.text}
        for code, cited in found.items()
    ]
