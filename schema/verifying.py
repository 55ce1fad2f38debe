"""One verification of a document, made of many subjects: each as a call with its values would make it, together in one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, VariableValues

from schema.answer import Answer
from schema.faults import Fault, bad_input
from schema.messages import in_chinese
from schema.plan import VerifyPlan
from schema.reader import Allowance, Reader, Sources
from schema.together import together
from schema.verification import Outcome, Question, Verified, question, verify

Told = Verified | Fault
"""What became of one subject: its outcome, or why there is none."""


def asked(plan: VerifyPlan, variables: VariableValues) -> Question | Fault:
    """What is asked of whom with these values, or why it cannot be."""
    try:
        args: dict[str, Any] = plan.arguments.values(variables)
        return question(plan.face, args["subject"], args["claims"])
    except Fault as fault:
        return fault
    except GraphQLError as error:
        return bad_input(in_chinese(error.message), error.message)


async def verify_each(plan: VerifyPlan, questions: Sequence[Question], sources: Sources, answer: Answer) -> list[Told]:
    """Verifies at most as many as one call may, side by side; accesses, sources and what is counted go into ``answer``."""
    reader = Reader(sources, answer, Allowance())
    reader.allowance.reserve("verifications", len(questions))
    return await together([_verified(plan, each, reader, answer) for each in questions])


async def _verified(plan: VerifyPlan, asked_: Question, reader: Reader, answer: Answer) -> Told:
    try:
        return await verify(plan.face, asked_, reader, answer)
    except Fault as fault:
        return fault


def unanswered(told: Told) -> bool:
    """Whether no source has compared: it was down, and may say more when it is asked again."""
    return isinstance(told, Verified) and told.outcome is Outcome.INDETERMINATE and told.as_of is None
