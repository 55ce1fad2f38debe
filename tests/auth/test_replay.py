"""What may be used once is used once: in the process, and over a store that nodes share."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import select
from starlette.datastructures import Headers

from auth.dpop import Proofs
from auth.keys import KeyRing
from auth.replay import ReplayCache, ReplaysFull, once_key
from auth.revocations import RevocationList
from auth.tokens import TokenIssuer, TokenVerifier
from hub.api.identity import Asked, Identity, Unauthenticated
from hub.identity.replay import UsedOnce
from hub.people.tables import used_once
from hub.sharing.registry import TokenRevocations
from schema.faults import Code, Fault
from tests.attacks.world import ISSUER, PURPOSES, proof
from tests.auth.support import NOW, Clock
from tests.catalog.homes import CONSOLE, new_core, publish, rows
from tests.catalog.small import SMALL

pytestmark = pytest.mark.fast


def test_a_key_is_used_once_until_it_ends() -> None:
    clock = Clock()
    cache = ReplayCache(clock=clock)
    assert [cache.use("k", NOW + 10, "app"), cache.use("k", NOW + 10, "app"), cache.use("l", NOW + 20, "app")] == [True, False, True]
    clock.now = NOW + 10
    assert not cache.use("k", NOW + 10, "app"), "its last second is one of its own"
    clock.now = NOW + 11
    assert len(cache) == 2, "nothing is done between uses"
    assert cache.use("m", NOW + 20, "app")
    assert len(cache) == 2


def test_one_owner_takes_a_quarter_and_a_full_cache_refuses_until_something_ends() -> None:
    clock = Clock()
    cache = ReplayCache(8, clock=clock)
    for owner in "abcd":
        for number in range(2):
            assert cache.use(f"{owner}{number}", NOW + 10, owner)
        if owner != "d":
            with pytest.raises(ReplaysFull):
                cache.use(f"{owner}2", NOW + 10, owner)
    with pytest.raises(ReplaysFull):
        cache.use("e0", NOW + 10, "e")
    assert not cache.use("a0", NOW + 10, "a"), "what was used is refused as used"
    clock.now = NOW + 11
    assert cache.use("e0", NOW + 30, "e")
    assert len(cache) == 1


def test_of_many_threads_one_is_first() -> None:
    cache, found = ReplayCache(), list[bool]()
    threads = [threading.Thread(target=lambda: found.append(cache.use("k", int(time.time()) + 60, "app"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found.count(True), len(found)) == (1, 16)


def test_keys_hide_what_was_sent_and_keep_parts_apart() -> None:
    assert once_key("proof", "ab", "c") != once_key("proof", "a", "bc")
    assert once_key("proof", "a", "\ud800") != once_key("assertion", "a", "\ud800")
    assert "secret" not in once_key("proof", "secret")


def test_used_ids_are_durable_and_swept_after_their_end(tmp_path: Path) -> None:
    with new_core(tmp_path) as core:
        store = UsedOnce(core.engine)
        assert [store.use("k", NOW), store.use("k", NOW), UsedOnce(core.engine).use("k", NOW), store.use("l", NOW + 300)] == [True, False, False, True]
        assert store.sweep(NOW + 30) == 0, "a node whose clock is behind must not take it for new"
        assert store.sweep(NOW + 61) == 1
        assert rows(core, used_once) == 1
        assert not store.use("l", NOW + 300)


@pytest.mark.anyio
async def test_a9_a_proof_used_at_one_node_is_refused_at_another(tmp_path: Path) -> None:
    """Two identities over one store stand for two nodes: each has a memory of its own, and the store is asked off the event loop."""
    key = ECKey.generate_key("P-256")
    with new_core(tmp_path) as core:
        publish(core, SMALL)
        client_id = core.sharing.create_application(CONSOLE, "housing", "civil_affairs", PURPOSES, []).client_id
        core.registry.refresh()
        ring = KeyRing(tmp_path / "ring")
        token = TokenIssuer(ISSUER, ring).issue(client_id, ["query:unconditional"], jkt=key.thumbprint()).token
        verifier = TokenVerifier(ISSUER, ring, RevocationList(TokenRevocations(core.engine)), core.registry.is_active)
        nodes = [Identity(verifier, core.registry, Proofs(), ISSUER, replays=UsedOnce(core.engine)) for _ in range(2)]
        asked = [Asked(Headers({"authorization": f"DPoP {token}", "dpop": proof(key, token=token)}), "POST", "/graphql") for _ in range(3)]
        assert (await nodes[0].caller(asked[0])).name == client_id
        for node in nodes:
            with pytest.raises(Unauthenticated):
                await node.caller(asked[0])
        assert nodes[1].scopes(asked[1]) == {"query:unconditional"}, "looking ahead uses nothing up"
        assert (await nodes[1].caller(asked[1])).name == client_id
        with core.engine.connect() as connection:
            assert len(list(connection.execute(select(used_once.c.key)))) == 2
        with core.engine.begin() as connection:
            used_once.drop(connection)
        with pytest.raises(Fault) as fault:
            await nodes[0].caller(asked[2])
        assert fault.value.code is Code.LEDGER_UNAVAILABLE, "a use that cannot be kept is no use"


def test_a9_after_a_restart_earlier_proofs_are_refused() -> None:
    key, clock = ECKey.generate_key("P-256"), Clock(NOW + 0.9)
    before, after = Proofs(since=0, clock=clock), Proofs(clock=clock)
    sent = [proof(key, iat=NOW)]
    before.take(before.check(sent, "POST", f"{ISSUER}/graphql"), "app")
    with pytest.raises(Exception, match="from before the start"):
        after.check(sent, "POST", f"{ISSUER}/graphql")
    clock.now = NOW + 1
    assert after.check([proof(key, iat=NOW + 1)], "POST", f"{ISSUER}/graphql").jkt == key.thumbprint()
