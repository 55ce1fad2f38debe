"""The history of a log's keys, ``GET /ledger/keys``: which later and earlier keys one trusted key vouches for, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.faults import Refuted, Unreadable
from verifier.keys import NOTE, Key, Keys, Term, read_key
from verifier.texts import content, fields, octets, parsed, shown, whole
from verifier.tree import digest_of

_WHAT = "密钥历史 the key history"


@dataclass(frozen=True, slots=True)
class Change:
    """One key of a history and how it came into force: announced by the entry ``at``; its statement is verified."""

    key: Key
    reason: str
    at: int | None

    @property
    def entry(self) -> int:
        """The first entry that it signs."""
        return 0 if self.at is None else self.at + (self.reason == "ROTATED")

    @property
    def size(self) -> int:
        """The smallest checkpoint that it signs."""
        return 0 if self.at is None else self.at + 1


def read_keys(paths: Sequence[Path]) -> Keys:
    """The keys to trust, from files: a public key a line, or a key history.

    Public keys are trusted as given. A history beside them limits the keys it names to their part of the log and adds those that their statements
    vouch for: the later ones up to the first that replaced a lost key, and a lost key before one that is trusted. A history alone is trusted whole.

    Raises:
        Unreadable: a file is neither.
        Refuted: a history contradicts itself.
    """
    given: list[Key] = []
    histories: list[list[Change]] = []
    for path in paths:
        # Once: it may be a pipe.
        raw = content(path)
        try:
            if raw.lstrip().startswith(b"{"):
                histories.append(_history(parsed(raw, _WHAT)))
            else:
                given += [_log_key(line.strip()) for line in raw.decode(errors="replace").splitlines() if line.strip()]
        except Unreadable as fault:
            # Several files may be given, and what was fetched as a key be an error's text.
            raise Unreadable(f"{shown(path)}：{fault.zh}", f"{shown(path)}: {fault.en}") from fault
    named = {change.key for history in histories for change in history}
    terms = [Term(key) for key in given if key not in named]
    for history in histories:
        terms += _trusted(history, set(given))
    if not terms:
        raise Unreadable("没有公钥", "no public key was given, or the history holds none that the given one vouches for")
    return Keys(terms)


def _log_key(line: str) -> Key:
    key = read_key(line)
    if key.kind != NOTE:
        raise Unreadable(f"{shown(key.name)} 的公钥属于见证方，请用 --witness", f"the key of {shown(key.name)} is a witness's; give it by --witness")
    return key


def _trusted(history: Sequence[Change], given: set[Key]) -> list[Term]:
    """The terms of the keys that the given ones vouch for; of all where none is given."""
    trusted = set(range(len(history))) if not given else {place for place, change in enumerate(history) if change.key in given}
    for place in range(1, len(history)):
        if history[place].reason == "ROTATED" and place - 1 in trusted:
            trusted.add(place)
    # The statement that replaces a lost key is the new key's, and names the old one: it vouches backwards.
    for place in range(len(history) - 1, 0, -1):
        if history[place].reason == "LOST" and place in trusted:
            trusted.add(place - 1)
    terms = []
    for place, change in enumerate(history):
        if place not in trusted:
            continue
        after = history[place + 1] if place + 1 < len(history) else None
        ends = (None, None) if after is None else (after.entry, after.size)
        terms.append(Term(change.key, (change.entry, ends[0]), (change.size, ends[1])))
    return terms


def _history(value: Any) -> list[Change]:
    log, digest, listed = fields(value, _WHAT, log=str, digest=str, keys=list)
    if digest.lower() != digest_of(log).name or not listed:
        raise Refuted("密钥历史的散列算法与日志名不符，或为空", "the key history names another digest than the log's name, or no key")
    changes: list[Change] = []
    for one in listed:
        changes.append(_change(one, log, changes))
    for before, after, one in zip(changes, [*changes[1:], None], listed, strict=True):
        until = one.get("until")
        told = None if until is None else _place(until)
        if _place(one.get("from")) != (before.entry, before.size) or told != (None if after is None else (after.entry, after.size)):
            raise Refuted("密钥历史的起止与声明不符", "the key history tells other limits than its statements")
    return changes


def _change(one: Any, log: str, before: Sequence[Change]) -> Change:
    line, key_id, reason = fields(one, _WHAT, key=str, id=str, reason=str)
    key = _log_key(line)
    if key.name != log or key.id.hex() != key_id or (reason not in ("ROTATED", "LOST") and (reason != "FIRST" or before)):
        raise Refuted("密钥历史中有其他日志的密钥或不明的原因", "the key history holds a key of another log or id, or an unknown reason")
    if reason == "FIRST":
        return Change(key, reason, None)
    if not before:
        raise Refuted("密钥历史不完整", "the key history lacks its first key")
    (statement,) = fields(one, _WHAT, statement=str)
    at = whole(one.get("announcedBy"), "announcedBy")
    old = before[-1]
    signer = old.key if reason == "ROTATED" else key
    message = f"huitong-key/v1\n{log}\n{reason} {at}\n{old.key}\n{key}\n".encode()
    if not signer.signed(octets(statement, "statement", 64), message) or at < old.size:
        raise Refuted(f"密钥 {key_id} 的更换声明不成立", f"the statement that key {key_id} takes over does not hold")
    return Change(key, reason, at)


def _place(value: Any) -> tuple[int, int]:
    entry, size = fields(value, _WHAT, entry=int, size=int)
    return whole(entry, "entry"), whole(size, "size")
