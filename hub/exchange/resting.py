"""What of an application's rights a job rests on: those on the resources that it reads."""

from __future__ import annotations

import json
from collections.abc import Collection

from auth.decide import Rights
from hub.exchange.store import Job


def policy_of(rights: Rights, resources: Collection[str]) -> str:
    """The fingerprint of the rights on these resources, by which a job knows that they are what they were."""
    return rights.narrowed(resources).fingerprint


def rests_on(job: Job, rights: Rights) -> bool:
    """Whether the job was started with these rights, as far as it needs them. Jobs of earlier releases kept the fingerprint of all."""
    return job.policy in (policy_of(rights, json.loads(job.plan)["decisions"].keys()), rights.fingerprint)
