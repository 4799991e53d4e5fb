"""The real servers that people run, each as its own process on the loopback interface, and a look at what they hold."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scratchwork import Root
from tests.integrations.clients import exchange

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds: a bound for what must come, never a measure of how fast
MANY = 1_000
_ASYNC = ("uvicorn", "--no-access-log", "--log-level", "critical", "--fd")
_THREADED = (
    *("gunicorn", "--log-level", "critical", "--worker-class", "gthread", "--threads", str(MANY + 50)),
    *("--worker-connections", str(3 * MANY), "--no-control-socket", "--bind", "fd://{fd}"),
)
_SERVERS = {
    "starlette": (*_ASYNC, "{fd}", "tests.integrations.apps.starlette:app"),
    "fastapi": (*_ASYNC, "{fd}", "tests.integrations.apps.fastapi:app"),
    "django": (*_THREADED, "tests.integrations.apps.django:app"),
    "django, async": (*_ASYNC, "{fd}", "tests.integrations.apps.django:async_app"),
    "flask": (*_THREADED, "tests.integrations.apps.flask:app"),
    "werkzeug": (*_THREADED, "tests.integrations.apps.werkzeug:app"),
}


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that no event tells of."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.02)


class Server:
    """A server with one application, whose temp folder is `folder`."""

    def __init__(self, kind: str, folder: Path, terms: dict[str, Any], **environment: str) -> None:
        """`environment`: what else to set, as `PLAIN="1"` for the framework's own default."""
        self.folder = folder
        self._worker: int | None = None
        """The process that serves, held so that nobody else can get its number."""
        self._errors = (folder / "errors").open("w+b")
        with socket.create_server(("127.0.0.1", 0), backlog=2 * MANY) as listener:
            self.port: int = listener.getsockname()[1]
            command = [word.format(fd=listener.fileno()) for word in _SERVERS[kind]]
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=REPOSITORY,
                env=os.environ
                | {"TMPDIR": str(folder), "UPLOADS": json.dumps({"dir": str(folder), **terms})}
                | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "default::ResourceWarning"}
                | environment,
                stdout=self._errors,
                stderr=self._errors,
                pass_fds=[listener.fileno()],
            )
        try:
            self.pid: int = self.state()["pid"]
            self._worker = os.pidfd_open(self.pid)
        except BaseException:
            self.kill()
            print(self.errors())
            raise

    def state(self) -> dict[str, Any]:
        """Return what the application tells of itself."""
        answer: dict[str, Any] = exchange(self.port, path="/state").json()
        return answer

    def open_files(self) -> int:
        """Return how many files without a name the server has open in a workspace."""
        links = []
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                links.append(os.readlink(entry))
            except FileNotFoundError:
                continue  # closed meanwhile
        return sum(link.startswith(f"{self.folder}/scratch-") and link.endswith(" (deleted)") for link in links)

    def holds_nothing(self) -> bool:
        """Whether no upload is in memory, in an open file, or has a name."""
        named = list(self.folder.glob("scratch-*/*/*"))
        return not named and self.open_files() == 0 and self.state()["memory"] == 0

    def await_nothing(self) -> None:
        """Wait until it holds nothing."""
        until(self.holds_nothing, "the end of all uploads")

    def has_read_all(self) -> bool:
        """Whether nothing that was sent to it still waits in the kernel, at either end."""
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, _, queues, *_ = line.split()
            if f"{self.port:04X}" in {local[9:], remote[9:]} and queues != "00000000:00000000":
                return False
        return True

    def peak(self) -> int:
        """Return the most memory that it had, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def workspaces(self) -> list[str]:
        """Return the states of the workspaces of its root."""
        return [found.state for found in Root("uploads", self.folder, sweep_first=False).workspaces()]

    def errors(self) -> str:
        """Return what it has written."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def kill(self) -> None:
        """Kill it, and its master first, so that none is started in its place."""
        self._process.kill()
        if self._worker is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._worker, signal.SIGKILL)
            select.select([self._worker], [], [], PATIENCE)  # readable once it is dead
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def close(self) -> None:
        """End it if it still runs."""
        if self._process.returncode is None:
            self.kill()
        if self._worker is not None:
            os.close(self._worker)
        self._errors.close()


@contextmanager
def serving(kind: str, folder: Path, terms: dict[str, Any], **environment: str) -> Iterator[Server]:
    """Start a server, and end it at the end."""
    server = Server(kind, folder, terms, **environment)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def many_descriptors() -> Iterator[None]:
    """Allow this process and its children as many descriptors as there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
