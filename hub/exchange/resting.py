"""What of an application's rights a job rests on: those on the resources that it reads."""

from __future__ import annotations

import json
from collections.abc import Collection

from auth.decide import Rights
from hub.exchange.store import Job

NO_LONGER = "FORBIDDEN 授权已变更、暂停或撤销，请核对授权后另行发起 the grant was changed, suspended or revoked; see the grant, then start another exchange"


def policy_of(rights: Rights, resources: Collection[str]) -> str:
    """The fingerprint of the rights on these resources, by which a job knows that they are what they were."""
    return rights.narrowed(resources).fingerprint


def altered(code: str) -> str:
    """What is said of a job whose resource is not what it was, or is shown otherwise."""
    return f"FORBIDDEN 资源或其脱敏规则已变更，或已下架，请核对目录后另行发起 the resource or a mask of it was changed, or withdrawn; see the catalog, then start another exchange: {code}"


def rests_on(job: Job, rights: Rights) -> bool:
    """Whether the job was started with these rights, as far as it needs them. Jobs of earlier releases kept the fingerprint of all."""
    return job.policy in (policy_of(rights, json.loads(job.plan)["decisions"].keys()), rights.fingerprint)
