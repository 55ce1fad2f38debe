"""What is measured: workloads with their connections and seconds, and who takes part in each."""

from __future__ import annotations

from dataclasses import dataclass, replace

HUB = "hub"
CLEAR = "hub, nothing masked"
"""The hub of the comparison, asked by an application that is shown everything."""
BY_SOURCE = "hub, source renders"
"""The hub as it is renders lists itself: the default of a source's ``rendering``."""
UNLOGGED, NO_RIGHTS, NO_COALESCING, NO_TOKENS = "hub without ledger", "hub without rights", "hub without coalescing", "hub without token cache"
MANY = "hub, 5,000 resources more"
SAMPLED = "hub, sampled"
"""It looks at itself (:mod:`loadtests.sampling`); no part of the comparison."""
PEERS = ("strawberry", "ariadne", "postgraphile", "limit-held", "limit-pool")
VARIANTS = (CLEAR, UNLOGGED, NO_RIGHTS, NO_COALESCING, NO_TOKENS, MANY)


@dataclass(frozen=True)
class Task:
    """One line of the comparison."""

    code: str
    workload: str
    """Of loadtests/peers/workloads.py."""
    connections: int
    zh: str
    en: str
    seconds: int = 1
    servers: tuple[str, ...] = (HUB, *PEERS)
    unique: bool = False
    """Each request has a document of its own."""
    tokens: str = "one"
    """``one`` for the round; ``application``: each request has one of its own, all of one application; ``applications``: of many."""


_RENDERED = (HUB, CLEAR, BY_SOURCE, *PEERS)
COMPARED = (
    Task("W1-16", "W1", 16, "按身份证号查一人，16 个连接", "one record by ID number, 16 connections", servers=(HUB, CLEAR, *PEERS)),
    Task("W1-64", "W1", 64, "按身份证号查一人，64 个连接", "one record by ID number, 64 connections", servers=(HUB, CLEAR, *PEERS)),
    Task("W2", "W2", 16, "列表 100 行 × 8 项", "100 rows × 8 items", servers=_RENDERED),
    Task("W3", "W3", 8, "列表 1,000 行 × 8 项", "1,000 rows × 8 items", 2, _RENDERED),
    Task("W4", "W4", 16, "50 家企业及其法定代表人", "50 companies with their legal representatives"),
    Task("W5", "W5", 16, "{ __typename }", "{ __typename }"),
    Task("verify", "verify", 16, "核验一人一项", "verification of one person", servers=(CLEAR,)),
    Task(
        "tokens-1", "W1", 64, "W1，每次请求一个令牌，同一应用", "W1, a token of its own for each request, one application", servers=(HUB,), tokens="application"
    ),
    Task(
        "tokens-n",
        "W1",
        64,
        "W1，每次请求一个令牌，多个应用",
        "W1, a token of its own for each request, many applications",
        servers=(HUB,),
        tokens="applications",
    ),
    Task("cold", "cold", 1, "每次一个新文档，约 2 KiB", "a new document of some 2 KiB each time", servers=(HUB,), unique=True),
)
"""The hub and its peers, all up, each in turn."""

APART = (
    Task("W1-64", "W1", 64, "按身份证号查一人，64 个连接", "one record by ID number, 64 connections", servers=(HUB, *VARIANTS)),
    Task("W1-1", "W1", 1, "同上，一个连接", "the same, one connection", servers=(HUB, UNLOGGED)),
    Task("W2", "W2", 16, "列表 100 行 × 8 项", "100 rows × 8 items", servers=(HUB, MANY, CLEAR, UNLOGGED, NO_RIGHTS)),
    Task("W5", "W5", 16, "{ __typename }", "{ __typename }", servers=(HUB, UNLOGGED, NO_TOKENS)),
)
"""The hub and others of it, from each of which one feature was taken, all up, each in turn."""


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    persons: int
    companies: int
    rounds: int
    apart: int
    """Rounds of the hub against the others of it."""
    steady: float
    """Seconds of the open loop."""
    at_once: int = 48
    """Requests at once when it is checked whether all are answered."""
    compared: tuple[Task, ...] = COMPARED
    variants: tuple[Task, ...] = APART


FULL = Extent(1_000_000, 200_000, 5, 5, 8.0)
SHORT = Extent(
    persons=100_000,
    companies=20_000,
    rounds=2,
    apart=2,
    steady=3.0,
    at_once=16,
    compared=tuple(task for task in COMPARED if task.code not in ("W1-16", "tokens-n")),
    # Starting with 5,000 resources takes as long as all that is measured here.
    variants=tuple(replace(task, servers=tuple(name for name in task.servers if name != MANY)) for task in APART if task.code in ("W1-64", "W1-1")),
)
"""Fits into five minutes."""
