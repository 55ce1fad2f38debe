"""Whether files of an exchange may leave now, and what is entered before they do: the same for downloads and for deliveries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from auth.decide import Rights
from auth.rights import Operation, Use
from hub.acts import make_id
from hub.api.use import check_use
from hub.exchange.store import Job
from hub.ledger.entry import Access, EntryDraft, Item, Json, Medium
from hub.live import Live
from hub.sharing.registry import Application
from hub.withdrawal.telling import gone
from schema.faces import Face
from schema.faults import Code, Fault


def still_granted(live: Live, rights: Rights, job: Job) -> list[Face]:
    """The faces of what the job carried, by these rights of its application.

    Raises:
        Fault: a resource is withdrawn, the grant was revoked or changed, or the rights are less than those that the job ran with (G3).
    """
    faces, plan = live.view(rights).faces, json.loads(job.plan)
    if codes := faces.snapshot.withdrawn.intersection(plan["resources"]):
        raise gone(codes)
    found = [face for code in plan["resources"] if (face := faces.face(code))]
    same = all(face.decision.digest == plan["decisions"][face.resource.code] for face in found)
    operation = Operation(plan.get("operation", Operation.EXCHANGE.value))
    if len(found) < len(plan["resources"]) or not same or not all(face.decision.allows(operation) for face in found):
        raise Fault(
            Code.FORBIDDEN,
            "授权已变更、暂停或撤销，资源的脱敏规则已变更，假名密钥已轮换，或令牌无此权限",
            "the grant was changed, suspended or revoked, a mask of the resource was changed, the pseudonyms' key was rotated, or the token lacks the scope",
            "请重新发起批量交换",
            "start a new exchange",
        )
    return found


def leaving_entry(
    job: Job, app: Application, use: Use, faces: Sequence[Face], size: tuple[int, int], details: Mapping[str, Json], medium: Medium = "FILE"
) -> EntryDraft:
    """What is entered before data of a job leave: ``size`` are rows and bytes that are about to.

    Raises:
        Fault: the use is not one that the grants name any more.
    """
    purpose = check_use(use, [face.decision for face in faces])
    shown = json.loads(job.plan)["items"]
    accesses = tuple(
        Access(
            face.resource.code,
            face.resource.department,
            face.resource.source,
            tuple(Item(*item) for item in shown[face.resource.code]),
            grant=face.decision.grant,
            approver=face.decision.approver,
            policy=job.policy,
        )
        for face in faces
    )
    return EntryDraft(
        kind="download",
        call=make_id("call"),
        outcome="OK",
        operation="exchange",
        medium=medium,
        application=app.client_id,
        department=app.department,
        operator=use.operator,
        case=use.case,
        purpose=use.purpose,
        scenario=purpose.scenario if purpose else None,
        basis=purpose.basis if purpose else None,
        approver="; ".join(dict.fromkeys(face.decision.approver for face in faces)) or None,
        accesses=accesses,
        rows=size[0],
        bytes=size[1],
        details={"exchange": job.id, **details},
    )
