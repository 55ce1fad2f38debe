"""The state machines of the sharing workflow as SVG: states stand on a grid, lines go through the gaps between its columns and rows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from hub.sharing.machine import ACTS, COMPLAINT, DISPOSAL, FEEDBACK, GRANT, PARTIES, REQUEST, STAY, Machine

Place = tuple[int, int]
Point = tuple[float, float]
WIDTH, GAP_X, GAP_Y, MARGIN, LINE, TOP = 236, 204, 76, 24, 15, 52
PLACES: Mapping[str, Mapping[str, Place]] = {
    "sharing-request": {
        **{name: (1, row) for row, name in enumerate(("FILED", "CHECKING", "ASSESSING", "DECIDING", "APPROVED", "GRANTED"))},
        "INCOMPLETE": (0, 1),
        "WITHDRAWN": (0, 2),
        "REFUSED": (2, 3),
        "UPHELD": (2, 5),
        "NEGOTIATING": (3, 3),
        "MEDIATING": (3, 4),
        "RULING": (3, 5),
    },
    "sharing-grant": {"ACTIVE": (0, 0), "SUSPENDED": (0, 1), "REVOKED": (1, 0), "TERMINATED": (1, 1), "EXPIRED": (1, 2)},
    "sharing-disposal": {"DUE": (0, 0), "FILED": (1, 0), "CONFIRMED": (2, 0)},
    "feedback": {
        "WITHDRAWN": (0, 0),
        "ORDERED": (0, 3),
        **{name: (1, row) for row, name in enumerate(("SUBMITTED", "VERIFYING"))},
        **{name: (2, row) for row, name in enumerate(("EXPLAINED", "REJECTED", "CORRECTED"))},
        "CLOSED": (3, 2),
        "REOPENED": (3, 3),
    },
    "complaint": {"LODGED": (0, 0), "REDRESSED": (1, 0), "DISMISSED": (1, 1), "WITHDRAWN": (0, 1)},
}
"""Column and row of every state."""
MACHINES: Mapping[str, Machine] = {
    "sharing-request": REQUEST,
    "sharing-grant": GRANT,
    "sharing-disposal": DISPOSAL,
    "feedback": FEEDBACK,
    "complaint": COMPLAINT,
}
_FILLS = {"consumer": "#dbeafe", "provider": "#dcfce7", "authority": "#ffedd5"}
_SLOTS = (0, 20, 40, -20, -40)
_STYLE = (
    "text{font-family:'Noto Sans CJK SC','Noto Sans SC','PingFang SC','Microsoft YaHei',sans-serif;fill:#111827;font-size:12px}"
    ".code{font-weight:bold;font-size:13px}.small{font-size:11px;fill:#374151}.act{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:4px}"
    ".head{font-size:17px;font-weight:bold}path{fill:none;stroke:#4b5563;stroke-width:1.3}"
)


@dataclass
class _Drawing:
    """One machine while it is drawn: which ports and lanes are taken."""

    machine: Machine
    places: Mapping[str, Place]
    height: float = 0
    ports: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    lanes: dict[int, list[str]] = field(default_factory=dict)
    out: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def corner(self, name: str) -> Point:
        """The upper left corner of a state's box."""
        column, row = self.places[name]
        return MARGIN + column * (WIDTH + GAP_X), TOP + row * (self.height + GAP_Y)

    def port(self, name: str, side: str, what: str) -> Point:
        """Where a line meets a side of a box; each thing has its own place there."""
        taken = self.ports.setdefault((name, side), [])
        if what not in taken:
            taken.append(what)
        x, y = self.corner(name)
        return x + (WIDTH if side == "right" else 0), y + self.height / 2 + _SLOTS[taken.index(what)]

    def lane(self, gap: int, target: str) -> float:
        """The x of the vertical that leads to a state through the gap right of a column."""
        taken = self.lanes.setdefault(gap, [])
        if target not in taken:
            taken.append(target)
        right = self.places[target][0] > gap
        x = MARGIN + (gap + 1) * (WIDTH + GAP_X)
        return x - 26 - 18 * taken.index(target) if right else x - GAP_X + 26 + 18 * taken.index(target)


def drawing(name: str) -> str:
    """A machine's picture, one SVG document without script, style sheet or font of its own.

    Raises:
        KeyError: a state has no place yet.
    """
    made = _Drawing(MACHINES[name], PLACES[name])
    made.height = 14 + LINE * max(len(list(_lines(made.machine, state))) for state in made.machine.states)
    edges = _edges(made.machine)
    for (source, target), label in sorted(edges.items(), key=lambda each: not _is_straight(made, *each[0])):
        _line(made, source, target, label, (target, source) in edges)
    made.out += [part for state in made.machine.states for part in _box(made, state)]
    return _document(made)


def _edges(machine: Machine) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for each in machine.transitions:
        for source in each.sources if each.to != STAY else ():
            if source == each.to:
                continue
            label = f"{ACTS[each.act]} {each.act}"
            if label not in found.setdefault((source, each.to), []):
                found[source, each.to].append(label)
    return found


def _is_straight(made: _Drawing, source: str, target: str) -> bool:
    (c1, r1), (c2, r2) = made.places[source], made.places[target]
    return abs(c1 - c2) + abs(r1 - r2) == 1


def _line(made: _Drawing, source: str, target: str, label: list[str], both: bool) -> None:
    (c1, r1), (c2, r2) = made.places[source], made.places[target]
    if c1 == c2 and abs(r1 - r2) == 1:
        _vertical(made, source, target, label, both)
        return
    side, other = ("right", "left") if c2 > c1 or (c1 == c2 and c1 > 0) else ("left", "right")
    begin, end = made.port(source, side, target), made.port(target, other, target)
    if _is_straight(made, source, target):
        points = [begin, (end[0], begin[1])]
    elif abs(c1 - c2) == 1:
        x = made.lane(min(c1, c2), target)
        points = [begin, (x, begin[1]), (x, end[1]), end]
    else:
        near, far = (c1, c2 - 1) if c2 > c1 else (c1 - 1, c2)
        x1, x2 = made.lane(near, target), made.lane(far, target)
        below = made.corner(target)[1] + made.height + GAP_Y / 2
        points = [begin, (x1, begin[1]), (x1, below), (x2, below), (x2, end[1]), end]
    _path(made, points)
    away, anchor = (8, "start") if side == "right" else (-8, "end")
    _label(made, (begin[0] + away, begin[1] - 5 - LINE * (len(label) - 1)), label, anchor)


def _vertical(made: _Drawing, source: str, target: str, label: list[str], both: bool) -> None:
    (x, y1), (_, y2) = made.corner(source), made.corner(target)
    down = y2 > y1
    x += WIDTH / 2 + (0 if not both else -30 if down else 30)
    _path(made, [(x, y1 + (made.height if down else 0)), (x, y2 + (0 if down else made.height))])
    middle = (y1 + y2 + made.height) / 2 + 4 - LINE * (len(label) - 1) / 2
    left = both and down
    _label(made, (x + (-8 if left else 8), middle), label, "end" if left else "start")


def _path(made: _Drawing, points: list[Point]) -> None:
    made.out.append(f'<path marker-end="url(#to)" d="M{" L".join(f"{x:g} {y:g}" for x, y in points)}"/>')


def _label(made: _Drawing, at: Point, lines: list[str], anchor: str) -> None:
    made.labels += [f'<text class="act" text-anchor="{anchor}" x="{at[0]:g}" y="{at[1] + i * LINE:g}">{escape(line)}</text>' for i, line in enumerate(lines)]


def _lines(machine: Machine, name: str) -> Iterator[tuple[str, str]]:
    """What stands in a state's box, with the class of each line."""
    state = machine.states[name]
    yield "code", f"{name}{' ●' if state.counts else ''}"
    yield "name", state.name
    yield from (("small", line) for line in textwrap.wrap(state.name_en, 40))
    turns = [("轮到 turn", state.party), *(("随后 then" if column.endswith("_by") else "或 or", party) for column, party in state.once.items())]
    yield from (("small", f"{word}: {PARTIES[party].name} {party}") for word, party in turns if party)
    stays = dict.fromkeys(each.act for each in machine.transitions if each.to in (STAY, name) and name in each.sources)
    yield from (("small", f"⟲ {ACTS[act]} {act}") for act in stays)


def _box(made: _Drawing, name: str) -> Iterator[str]:
    x, y = made.corner(name)
    state, final = made.machine.states[name], name in made.machine.final
    fill = _FILLS.get(state.party or "", "#e5e7eb" if final else "#f9fafb")
    width = 2.5 if final or name == made.machine.initial else 1.2
    yield f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{made.height:g}" rx="8" fill="{fill}" stroke="#111827" stroke-width="{width:g}"/>'
    for i, (kind, line) in enumerate(_lines(made.machine, name)):
        yield f'<text class="{kind}" x="{x + 10:g}" y="{y + 19 + i * LINE:g}">{escape(line)}</text>'


def _document(made: _Drawing) -> str:
    columns, rows = (1 + max(place[i] for place in made.places.values()) for i in (0, 1))
    width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP_X
    height = TOP + rows * (made.height + GAP_Y)
    title = escape(f"{made.machine.name} {made.machine.name_en}")
    key = "粗框：始态、终态 thick: first and final states; ●：计期限 the term runs; ⟲：状态不变 the state stays"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}" role="img" aria-label="{title}">',
            f"<title>{title}</title>",
            f"<style>{_STYLE}</style>",
            '<defs><marker id="to" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
            '<path d="M0 0 L10 5 L0 10 z" style="fill:#4b5563;stroke:none"/></marker></defs>',
            f'<rect width="{width}" height="{height:g}" fill="#fff"/>',
            f'<text class="head" x="{MARGIN}" y="30">{title}</text>',
            *made.out,
            *made.labels,
            f'<text class="small" x="{MARGIN}" y="{height - 16:g}">{key}</text>',
            "</svg>\n",
        )
    )
