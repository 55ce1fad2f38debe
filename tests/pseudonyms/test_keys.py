"""Versions of the master key: made, followed by a running hub, ended; a key that is not here withholds."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hub.core import Core, open_core
from hub.pseudonyms.files import FOLDER, KeyFiles
from masking.pseudonym import KEYS
from tests.catalog.homes import CONSOLE, NOBODY, SECURITY, new_core, publish, refused
from tests.pseudonyms.world import DEPARTMENTS, NUMBERS, World, manifest

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


async def seen(world: World, start: str | None, name: str = "alpha") -> list[str | None]:
    """What the application sees once the running hub, by itself, has followed."""
    for _ in range(100):
        found = await world.numbers(name)
        if all((value is None) if start is None else (value or "").startswith(start) for value in found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{name} sees {found}")


async def test_a_new_version_is_used_by_the_next_call_ends_old_files_and_is_translated(fresh: World) -> None:
    before = await fresh.numbers("alpha")
    _, url = await fresh.exchanged("alpha", "before")
    await asyncio.to_thread(fresh.core.pseudonyms.rotate, CONSOLE, 0)
    after = await seen(fresh, "p2_")
    assert not set(before) & set(after)
    assert fresh.ledger()[-1]["accesses"][0]["items"][0]["mask"] == "PSEUDONYM@2"
    assert (await fresh.download("alpha", url)).status_code == 403
    again, _ = await fresh.exchanged("alpha", "after")
    assert set(again) == set(after)
    fresh.application("beta")
    _overlap(fresh, dict(zip(before, after, strict=True)))


def _overlap(world: World, known: Mapping[str | None, str | None]) -> None:
    """The table translates what ``alpha`` knew into what it sees now, names nobody, and is of one consumer."""
    service, lines = world.core.pseudonyms, [f" {NUMBERS[0].lower()}", *NUMBERS, ""]
    pairs = service.overlap(CONSOLE, "alpha", "", (1, 2), lines)
    assert dict(pairs) == known
    assert [new for _, new in pairs] == sorted(new for _, new in pairs)
    assert not known.keys() & {old for old, _ in service.overlap(CONSOLE, "beta", "", (1, 2), lines)}
    joint = service.overlap(CONSOLE, "alpha", "census-2026", (1, 2), lines)
    assert joint == service.overlap(CONSOLE, "beta", "census-2026", (1, 2), lines)
    entry = world.ledger()[-1]
    assert (entry["operation"], entry["details"]["target"], entry["details"]["project"]) == ("translatePseudonyms", "beta", "census-2026")
    assert not any(number in str(world.ledger()) for number in NUMBERS)
    assert [p.code for p in refused(service.overlap, CONSOLE, "nobody", "", (1, 2), lines)] == ["NOT_FOUND"]
    assert [p.code for p in refused(service.overlap, NOBODY, "alpha", "", (1, 2), lines)] == ["FORBIDDEN"]
    service.retire(CONSOLE, 1)
    assert [p.path for p in refused(service.overlap, CONSOLE, "alpha", "", (1, 2), lines)] == ["version"]


async def test_from_its_time_on_a_key_that_is_not_here_withholds_until_it_is(fresh: World) -> None:
    directory = fresh.core.settings.keys / FOLDER
    await asyncio.to_thread(fresh.core.pseudonyms.rotate, CONSOLE, 1)
    await fresh.numbers("alpha")
    kept = (directory / "p2.key").read_bytes()
    fresh.core.pseudonyms.files.remove(2)
    await seen(fresh, None)
    (directory / "p2.key").touch(0o600)
    (directory / "p2.key").write_bytes(kept)
    await seen(fresh, "p2_")


async def test_who_sees_no_pseudonym_shares_what_is_made_and_who_does_shares_nothing(fresh: World) -> None:
    for name in ("one", "two"):
        fresh.application(name, resources=())

    def prints() -> list[str]:
        callers = [fresh.core.registry.application(app.client_id) for app in fresh.core.registry.applications() if app.name in ("one", "two")]
        return [fresh.core.registry.rights(app.client_id, app.scopes()).fingerprint for app in callers if app] + [fresh.core.registry.public().fingerprint]

    one, two, public = prints()
    assert one == two
    department, code, uscc = DEPARTMENTS[0]
    publish(fresh.core, manifest(fresh.directory, department, code, uscc, 'share = "PSEUDONYM", open = "PSEUDONYM"', opened=True))
    await fresh.hub.live.refresh()
    assert len({one, public, *prints()}) == 5
    shown = [await fresh.numbers(name) for name in ("one", "two", "the public", "alpha")]
    assert len({value for values in shown for value in values if value}) == 4 * len(NUMBERS)
    before = prints()
    publish(fresh.core, manifest(fresh.directory, department, code, uscc, 'share = "NAME", open = "NAME"', opened=True))
    await fresh.hub.live.refresh()
    assert prints() == [one, two, public] != before


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """An initialised hub."""
    with new_core(tmp_path) as made:
        yield made


def states(core: Core) -> list[tuple[int, str, bool]]:
    return [(each.version.number, each.state, each.here) for each in core.pseudonyms.states()]


async def test_versions_begin_and_end(core: Core) -> None:
    service = core.pseudonyms
    assert states(core) == [(1, "CURRENT", True)]
    assert [p.code for p in refused(service.rotate, NOBODY, 0)] == ["FORBIDDEN"]
    assert [p.code for p in refused(service.rotate, SECURITY, 0)] == ["FORBIDDEN"]
    assert service.rotate(CONSOLE, 900).state == "WAITING"
    assert states(core) == [(2, "WAITING", True), (1, "CURRENT", True)]
    assert [p.code for p in refused(service.rotate, CONSOLE, 900)] == ["CONFLICT"]
    assert [p.code for p in refused(service.retire, CONSOLE, 1)] == ["CONFLICT"]
    assert [p.code for p in refused(service.retire, CONSOLE, 9)] == ["NOT_FOUND"]
    assert service.rotate(CONSOLE, 0).state == "CURRENT"
    assert states(core) == [(3, "CURRENT", True), (2, "WAITING", True), (1, "KEPT", True)]
    assert [service.retire(CONSOLE, number).state for number in (2, 1, 1)] == ["RETIRED"] * 3
    assert states(core) == [(3, "CURRENT", True), (2, "RETIRED", False), (1, "RETIRED", False)]
    assert service.rotate(CONSOLE, 0).version.number == 4


async def test_a_key_is_made_once_and_for_its_user_alone(core: Core) -> None:
    directory = core.settings.keys / FOLDER
    (path,) = directory.iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(directory.stat().st_mode)) == ("p1.key", 0o600, 0o700)
    before = path.read_bytes()
    again = open_core(core.settings)
    assert (path.read_bytes(), states(again)) == (before, [(1, "CURRENT", True)])
    again.close()


async def test_another_digest_is_another_version(core: Core) -> None:
    again = open_core(core.settings.model_copy(update={"pseudonym_digest": "SHA256"}))
    assert [each.version.digest for each in again.pseudonyms.states()] == ["SM3"]
    again.pseudonyms.rotate(CONSOLE, 0)
    assert [each.version.digest for each in again.pseudonyms.states()] == ["SHA256", "SM3"]
    again.close()


async def test_another_node_makes_no_key_of_its_own(core: Core, tmp_path: Path) -> None:
    """Its directory is empty, the control database names version 1: it waits for a copy."""
    directory = core.settings.keys / FOLDER
    path = directory / "p1.key"
    content = path.read_bytes()
    path.unlink()
    again = open_core(core.settings)
    assert (states(again), again.pseudonyms.missing()) == ([(1, "CURRENT", False)], 1)
    again.close()
    made = KeyFiles(tmp_path / "other")
    made.add(1, "SM3")
    path.write_bytes((tmp_path / "other" / "p1.key").read_bytes())
    path.chmod(0o600)
    assert states(core) == [(1, "CURRENT", False)], "a key of the same version that is another key"
    path.write_bytes(content)
    assert (states(core), core.pseudonyms.missing()) == ([(1, "CURRENT", True)], None)


async def test_files_that_are_no_keys_are_told_and_the_others_held(core: Core) -> None:
    directory = core.settings.keys / FOLDER
    files, content = core.pseudonyms.files, (directory / "p1.key").read_text()
    for name, text, mode in (
        ("p2.key", "", 0o600),
        ("p3.key", content, 0o600),
        ("p4.key", content.replace("version = 1", "version = 4"), 0o644),
        ("p5.key", content.replace("version = 1", "version = 5").replace("SM3", "MD5"), 0o600),
        ("p6.key", 'version = 6\ndigest = "SM3"\nsecret = "c2hvcnQ="\n', 0o600),
        ("p7.key", "version = 1e400\n", 0o600),
    ):
        (directory / name).touch(mode)
        (directory / name).write_text(text)
    (directory / "p8.key").symlink_to(directory / "nowhere")
    assert files.refresh()
    assert not files.refresh()
    assert (list(files.keys), len(files.faults)) == ([1], 6)
    secret = content.partition('secret = "')[2][:20]
    assert not any(secret in f"{fault!r} {fault}" for fault in files.faults)
    assert secret not in repr(replace(files.keys[1]))
    assert KEYS.find(files.keys[1].id) == files.keys[1]
