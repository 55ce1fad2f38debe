"""Starts the REST service as a process of its own, which ends with its parent."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_GRACE = 5.0


class ServiceFailed(RuntimeError):
    """The service did not start. ``str()`` says where to look."""


class RunningService:
    """A started service. A context manager: leaving it ends the process."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url
        """Its address without a final slash, e.g. ``http://127.0.0.1:43211``."""

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process: asked to by the end of its input, killed if it does not obey within seconds. May be called again."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with suppress(BrokenPipeError):
                    stream.close()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> RunningService:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def start_service(database: Path, port: int = 0) -> RunningService:
    """Start the service of the human resources bureau on loopback; port 0 takes a free one. Returns when it accepts connections.

    Raises:
        ServiceFailed: the process ended before it served; its own words are on standard error.
    """
    command = [sys.executable, "-m", "hub.demo.service", "--db", str(database), "--port", str(port)]
    # A session of its own: Ctrl-C in the terminal is for the hub, which ends the service itself.
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    line = process.stdout.readline() if process.stdout else ""
    service = RunningService(process, "")
    if not line:
        service.close()
        raise ServiceFailed(f"the demonstration's REST service did not start on port {port}: see its message above, or choose another port")
    service.url = f"http://127.0.0.1:{json.loads(line)['port']}"
    return service
