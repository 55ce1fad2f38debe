"""The state machines of the sharing workflow as tables: one of states, one of transitions, for each kind of case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.sharing.machine import ACTS, COMPLAINT, DISPOSAL, FEEDBACK, GRANT, PARTIES, REQUEST, STAY, Machine, Transition


def sharing_tables() -> str:
    """Parties, then each machine under a heading of its own."""
    parties = _table(("party 一方", "who 何人", "role 角色"), ((f"`{name}`", f"{p.name} {p.name_en}", _roles(name)) for name, p in PARTIES.items()))
    return "\n".join((parties, *(_machine(machine) for machine in (REQUEST, GRANT, DISPOSAL))))


def feedback_tables() -> str:
    """The machines of feedback and of complaints, each under a heading of its own."""
    return "\n".join(_machine(machine) for machine in (FEEDBACK, COMPLAINT))


def _roles(name: str) -> str:
    party = PARTIES[name]
    return ", ".join(f"`{role}`" for role in (*party.roles, party.owner) if role)


def _machine(machine: Machine) -> str:
    states = _table(("state 状态", "meaning 含义", "turn 轮到", "term counts 计期限", "leads to 可至"), _states(machine))
    acts = _table(
        ("act 步骤", "from → to", "by 办理", "needs 须先有", "not by 不得为", "with 须附", "term begins 起算", "told 告知", "rule 依据"), _acts(machine)
    )
    return f"### {machine.name} {machine.name_en}\n\n{states}\n{acts}"


def _states(machine: Machine) -> Iterator[Sequence[str]]:
    for name, state in machine.states.items():
        ways = [each for each in machine.transitions if name in each.sources and each.to != STAY]
        leads = dict.fromkeys(f"{each.act} → `{each.to}`" for each in ways)
        turn = "".join([state.party or "", *(f" {'→' if column.endswith('_by') else '/'} {party}" for column, party in state.once.items())])
        yield f"`{name}`", f"{state.name} {state.name_en}", turn, "●" if state.counts else "", "; ".join(leads) or "final 终态"


def _acts(machine: Machine) -> Iterator[Sequence[str]]:
    for each in machine.transitions:
        sources = ", ".join(f"`{name}`" for name in each.sources) or "—"
        needs = [*each.needs, " or ".join(each.needs_any), *(f"no {name}" for name in each.lacks)]
        yield (
            f"`{each.act}` {ACTS[each.act]}",
            f"{sources} → {'=' if each.to == STAY else f'`{each.to}`'}",
            ", ".join(each.who),
            ", ".join(part for part in needs if part),
            ", ".join(each.not_by),
            ", ".join(_given(each)),
            each.starts or "",
            ", ".join(each.tells),
            each.rule,
        )


def _given(each: Transition) -> Iterator[str]:
    if each.reason:
        yield f"reason ({each.reason})"
    if each.fixed:
        yield f"reason `{each.fixed}`"
    if each.opinion:
        yield "opinion"
    if each.guard:
        yield each.guard


def _table(heading: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
