"""Load by wrk 4: a generated script asks prepared requests in turn, looks at the answers, and says as one line of JSON what it has seen."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tests.servers.debian import ensure

SAMPLE = 8
"""One answer in so many is searched for errors; the status of each is looked at."""
_MARK = "HUITONG "
_PLAIN = re.compile(rb'[^ !#-\[\]-~]|["\\]')
_SCRIPT = Template("""
local requests = {
$requests
}
local threads = {}
asked, bad, looked, first_bad = 0, 0, 0, ""

function setup(thread)
  threads[#threads + 1] = thread
end

function request()
  asked = asked + 1
  return requests[(asked - 1) % #requests + 1]
end

function response(status, headers, body)
  looked = looked + 1
  if status ~= 200 or (looked % $sample == 1 and string.find(body, '"errors"', 1, true)) then
    bad = bad + 1
    if first_bad == "" then first_bad = status .. " " .. string.sub(body, 1, 600) end
  end
end

function done(summary, latency, every)
  local asked, bad, first = 0, 0, ""
  for _, thread in ipairs(threads) do
    asked, bad = asked + thread:get("asked"), bad + thread:get("bad")
    if first == "" then first = thread:get("first_bad") end
  end
  local errors = summary.errors
  io.write("\\n", '$mark', string.format(
    '{"answered":%d,"microseconds":%d,"bytes":%d,"asked":%d,"bad":%d,"broken":%d,"p50":%.1f,"p99":%.1f,"most":%.1f}',
    summary.requests, summary.duration, summary.bytes, asked, bad, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max), "\\n", first, "\\n")
end
""")


class BadAnswers(RuntimeError):
    """Answers were not as they should be; the first is quoted. Their figures would be worth nothing."""


class NoAnswers(BadAnswers):
    """Nothing was wrong, but nothing came in time either."""


@dataclass(frozen=True)
class Load:
    """What one run of wrk has seen. Times in milliseconds, as its connections saw them."""

    answered: int
    asked: int
    """Requests sent: those answered, and those under way when time was up."""
    seconds: float
    bytes: int
    p50: float
    p99: float

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.answered / self.seconds

    @property
    def bytes_each(self) -> float:
        """Bytes of an answer, with its head."""
        return self.bytes / max(1, self.answered)


def quoted(data: bytes) -> str:
    """Any bytes as a string of Lua: what is not plain ASCII stands as three decimal digits (Lua 5.1 manual, 2.1)."""
    return '"' + _PLAIN.sub(lambda found: b"\\%03d" % found[0][0], data).decode("ascii") + '"'


def script(requests: Sequence[bytes]) -> str:
    """The text of a script that asks these whole HTTP requests one after another, and again from the first."""
    return _SCRIPT.substitute(requests=",\n".join(map(quoted, requests)), sample=SAMPLE, mark=_MARK)


def parse(output: str) -> Load:
    """What the script said.

    Raises:
        BadAnswers: a status other than 200, errors in a body, broken connections; :class:`NoAnswers`.
    """
    _, found, rest = output.rpartition(f"\n{_MARK}")
    if not found:
        raise BadAnswers(f"wrk said nothing: {output[-1000:]}")
    line, _, first = rest.partition("\n")
    said = json.loads(line)
    if said["bad"] or said["broken"]:
        raise BadAnswers(f"{said['bad']} bad answers, {said['broken']} broken connections, {said['answered']} answered; the first: {first.strip()}")
    if not said["answered"]:
        raise NoAnswers(f"no answer in {said['microseconds'] / 1e6:.1f} s")
    return Load(said["answered"], said["asked"], said["microseconds"] / 1e6, said["bytes"], said["p50"] / 1000, said["p99"] / 1000)


def program() -> Path:
    """Where wrk is; Debian's package is installed where it is missing and this user may.

    Raises:
        RuntimeError: it is missing; with the remedy.
    """
    return ensure("wrk", "wrk")


def version() -> str:
    """``wrk 4.1.0``."""
    said = subprocess.run([program(), "-v"], capture_output=True, text=True, check=False).stdout.split()
    return f"wrk {said[1]}" if len(said) > 1 else "wrk"


def run(port: int, connections: int, seconds: int, requests: Sequence[bytes], folder: Path) -> Load:
    """Asks a server of the loopback for so long.

    Raises:
        BadAnswers: see :func:`parse`.
    """
    place = folder / "requests.lua"
    place.write_text(script(requests), encoding="ascii")
    command = [str(program()), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(place), f"http://127.0.0.1:{port}/"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=seconds + 60)
    if done.returncode != 0:
        raise BadAnswers(f"wrk ended with {done.returncode}: {(done.stderr or done.stdout)[-1000:]}")
    return parse(done.stdout)
