"""What one node is told the other holds to within a second; both write one ledger, and neither needs the other."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import insert, select

from hub.exchange.leases import LEASE
from hub.exchange.tables import exchange
from hub.ledger.receipt import Receipt
from hub.ledger.report import Report
from hub.ledger.verify import verify
from hub.store.base import now
from hub.store.engine import reading
from tests.acceptance.transport import CREATE_GRANT, START
from tests.attacks.world import proof
from tests.nodes.cluster import ISSUER, LIST, PERMITS, PURPOSE, Cluster, in_a_second, in_time, node

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nodes")]
COUNTED = {"transport": {"permits": {"totalCount": PERMITS}}}
DISABLE = "mutation ($name: String!) { disableApplication(input: {application: $name}) { application { active } problems { code } } }"
REVOKE = "mutation ($id: ID!) { revokeGrant(input: {id: $id}) { grant { state } problems { code } } }"


def test_tokens_of_one_node_are_good_at_the_other(cluster: Cluster) -> None:
    cluster.ready_application("roaming")
    for each in cluster.nodes[:2]:
        assert each.ask("roaming", LIST).data == COUNTED
        assert each.http("GET", "/.well-known/oauth-authorization-server").json()["issuer"] == ISSUER
    keys = [each.http("GET", "/oauth/jwks").json() for each in cluster.nodes[:2]]
    assert keys[0] == keys[1]


def test_a_token_revoked_at_one_node_is_refused_at_the_other(cluster: Cluster) -> None:
    cluster.ready_application("leaving")
    app, first, second = cluster.applications["leaving"], cluster.first, cluster.second
    assert second.ask("leaving", LIST).data == COUNTED
    form = {"token": first.token("leaving")}
    assert first.client.post("/oauth/revoke", data=form, auth=(app["client_id"], app["client_secret"])).status_code == 200
    in_a_second(lambda: second.ask("leaving", LIST).status == 401)
    told = second.client.post("/oauth/introspect", data=form, auth=(app["client_id"], app["client_secret"]))
    assert told.json() == {"active": False}


def test_a_proof_used_at_one_node_is_refused_at_the_other(cluster: Cluster) -> None:
    """A9 over nodes: the use of a DPoP proof is a row in the control database that they share."""
    key = ECKey.generate_key("P-256")
    cluster.register("bound_caller")
    app = cluster.applications["bound_caller"]
    for each in cluster.nodes[:2]:
        cluster.await_token("bound_caller", each)
    credentials = (app["client_id"], app["client_secret"])
    asked = {"dpop": proof(key, uri=f"{ISSUER}/oauth/token")}
    answers = [each.client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=credentials, headers=asked) for each in cluster.nodes[:2]]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert (answers[0].json()["token_type"], answers[1].json()["error"]) == ("DPoP", "invalid_dpop_proof")
    token = answers[0].json()["access_token"]
    called = {"authorization": f"DPoP {token}", "dpop": proof(key, uri=f"{ISSUER}/graphql", token=token), "content-type": "application/json"}
    calls = [each.http("POST", "/graphql", b'{"query": "{ __typename }"}', called) for each in (*cluster.nodes[:2], cluster.first)]
    assert [call.status_code for call in calls] == [200, 401, 401]
    assert 'DPoP error="invalid_dpop_proof"' in calls[1].headers["www-authenticate"]


def test_an_application_disabled_at_one_node_is_refused_at_the_other(cluster: Cluster) -> None:
    cluster.ready_application("disabled")
    assert cluster.second.ask("disabled", LIST).data == COUNTED
    assert cluster.first.govern("security_admin", DISABLE, {"name": "disabled"}).data["disableApplication"]["problems"] == []
    in_a_second(lambda: cluster.second.ask("disabled", LIST).status == 401)
    assert cluster.second.grant_token("disabled").status_code == 401


def test_a_grant_made_at_one_node_works_at_the_other_until_it_is_revoked(cluster: Cluster) -> None:
    cluster.register("passing")
    cluster.await_token("passing", cluster.first)
    given = {"application": "passing", "resource": "transport.permit", "operations": ["QUERY"], "items": [{"code": "permit_no", "value": "CLEAR"}]}
    more = {"purposes": [PURPOSE], "approver": "王局长"}
    made = cluster.first.govern("security_admin", CREATE_GRANT, {"input": {**given, **more}}).data["createGrant"]
    assert made["problems"] == []
    in_a_second(lambda: "query:transport.permit" in cluster.second.grant_token("passing").json().get("scope", ""))
    assert cluster.second.ask("passing", LIST).data == COUNTED
    revoked = cluster.first.govern("security_admin", REVOKE, {"id": made["grant"]["id"]}).data["revokeGrant"]
    assert revoked["grant"] == {"state": "REVOKED"}
    in_a_second(lambda: set(cluster.second.ask("passing", LIST).codes) == {"INVALID_DOCUMENT"})


def test_a_quota_is_used_up_once_over_both_nodes(cluster: Cluster) -> None:
    cluster.ready_application("frugal", quota={"calls": 5, "rows": None, "per": "MONTH"})
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda turn: cluster.nodes[turn % 2].ask("frugal", LIST), range(16)))
    assert sum(not answer.errors for answer in answers) == 5
    assert {code for answer in answers for code in answer.codes} == {"QUOTA_EXCEEDED"}


def test_d8_a_hundred_claims_at_once_over_both_nodes_get_ten_answers(cluster: Cluster) -> None:
    items = [{"code": "permit_no", "value": "ABSENT", "key": True}, {"code": "plate", "value": "CLEAR"}]
    cluster.ready_application("guessing", operations=["QUERY", "VERIFY"], items=items)
    text = """query ($plate: String!) {
      transport { verifyPermit(subject: {permitNo: "P-1"}, claims: {plate: $plate}) { outcome } } }"""
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda turn: cluster.nodes[turn % 2].ask("guessing", text, {"plate": f"贵A{turn:05}"}), range(100)))
    assert sum(not answer.errors for answer in answers) == 10
    assert {code for answer in answers for code in answer.codes} == {"VERIFICATION_BUDGET"}
    assert {answer.status for answer in answers if answer.errors} == {429}


def test_both_nodes_write_one_ledger(cluster: Cluster) -> None:
    cluster.ready_application("noted")
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda turn: cluster.nodes[turn % 2].ask("noted", LIST), range(24)))
    receipts = [Receipt.from_json(answer.receipt) for answer in answers]
    assert len({receipt.entry for receipt in receipts}) == 24
    log = cluster.core.log

    def published() -> Report | None:
        """Once all are: whichever node is at it publishes, and leaves what has come since to the next look."""
        log.publisher.publish_all()
        with reading(cluster.core.engine) as connection:
            found = verify(connection, [log.verifier_key], receipts=receipts)
        return found if found.published > max(receipt.entry for receipt in receipts) else None

    report = in_time(published)
    assert (report.findings, report.receipts) == ([], 24)
    proofs = [each.http("GET", f"/ledger/proof/{receipts[0].entry}", headers=each.headers("noted")) for each in cluster.nodes[:2]]
    assert [proof.status_code for proof in proofs] == [200, 200]
    assert all(each.http("GET", "/health/ready").status_code == 200 for each in cluster.nodes[:2])


def test_an_exchange_is_one_for_both_nodes_and_its_file_lies_with_one(cluster: Cluster) -> None:
    cluster.ready_application("loading")
    given = {"document": "{ transport { permits { nodes { permitNo } } } }", "format": "JSONL", "key": "once"}
    started = [each.ask("loading", START, given).data["startExchange"]["exchange"]["id"] for each in cluster.nodes[:2]]
    assert started[0] == started[1]
    asked = f'{{ exchange(id: "{started[0]}") {{ state files {{ url }} }} }}'
    ended = in_time(lambda: state if (state := cluster.second.ask("loading", asked).data["exchange"]["state"]) in ("SUCCEEDED", "FAILED") else None, 120)
    assert ended == "SUCCEEDED"
    path = cluster.second.ask("loading", asked).data["exchange"]["files"][0]["url"]
    there, elsewhere = (each.http("GET", path, headers=each.headers("loading")) for each in cluster.nodes[:2])
    assert (there.status_code, there.text.count("\n")) == (200, PERMITS)
    assert elsewhere.status_code == 404
    assert "does not lie with this node" in elsewhere.text


def test_a_node_that_starts_and_dies_leaves_the_others_serving(cluster: Cluster) -> None:
    cluster.ready_application("surviving")
    held = hold_a_job(cluster)
    with node(cluster, 3) as third:
        third._tokens["surviving", None] = cluster.first._tokens["surviving", None]
        with ThreadPoolExecutor(8) as callers:
            calls = [callers.submit(third.ask, "surviving", LIST) for _ in range(8)]
            third.process.send_signal(signal.SIGKILL)
            for call in calls:
                call.exception()
        assert third.process.wait(10) == -signal.SIGKILL
        for each in cluster.nodes[:2]:
            assert each.ask("surviving", LIST).data == COUNTED
            assert each.http("GET", "/health/ready").status_code == 200
    with cluster.core.engine.connect() as connection:
        job = connection.execute(select(exchange.c.state, exchange.c.node).where(exchange.c.id == held)).one()
    assert tuple(job) == ("PAUSED", "elsewhere")


def hold_a_job(cluster: Cluster) -> str:
    """A job that some other server pauses; its id."""
    texts = dict.fromkeys(("input_sha256", "document", "variables", "scopes", "plan", "policy"), "")
    more = {"id": "held", "idempotency_key": "held", "format": "CSV", "rows_done": 0, "bytes": 0, "snapshot": 1, "created_at": now()}
    lease = {"state": "PAUSED", "node": "elsewhere", "held_until": now() + 2 * LEASE}
    with cluster.core.engine.begin() as connection:
        connection.execute(insert(exchange).values(application=cluster.applications["surviving"]["client_id"], **texts, **more, **lease))
    return "held"


def test_what_postgresql_cannot_compare_is_a_wrong_argument(cluster: Cluster) -> None:
    cluster.ready_application("odd")
    sharing = ("accessRequest(id: $text) { id }", "accessRequests(after: $text) { id }", "disposals(after: $text) { grant }")
    for field in ("exchange(id: $text) { id }", *sharing, "feedback(id: $text) { id }", "feedbacks(after: $text) { id }"):
        answer = cluster.first.ask("odd", f"query ($text: ID!) {{ {field} }}", {"text": "a\0"})
        assert answer.codes == ["BAD_INPUT"], (field, answer.errors)
    assert cluster.first.http("GET", "/exchanges/%00/manifest.json", headers=cluster.first.headers("odd")).status_code == 400
