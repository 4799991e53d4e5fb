"""What uploads promise, with each framework, on a real server with real clients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scratchwork import Root
from tests.integrations.clients import Answer, Request, at_once, begin, content, digest, exchange, hang_up, upload
from tests.integrations.servers import MANY, REPOSITORY, Server, until

ALL = ["starlette", "fastapi", "django", "flask", "werkzeug"]
WITH_CHUNKS = [kind for kind in ALL if kind != "django"]  # which reads no body without a Content-Length
LARGE = 192 * 1024  # more than twice what the WSGI frameworks read at once, so that half of it is seen
TERMS = {"in_memory": "32 KiB", "memory": "4 MiB"}
Serve = Callable[..., Server]


def uploads(number: int) -> tuple[list[Request], list[str]]:
    """Return different requests, and what is told of each that arrives right."""
    contents = [content(each, LARGE) for each in range(number)]
    return [upload(data) for data in contents], [digest(data) for data in contents]


def told(answers: list[Answer | None]) -> list[str]:
    return [answer.json()["sha256"] for answer in answers if answer is not None and answer.status == 200]


@pytest.mark.parametrize("kind", [*ALL, "django, async"])
def test_a_small_one_is_in_memory_a_large_one_on_disk_and_both_arrive(serve: Serve, kind: str, temp: Path) -> None:
    server = serve(kind, **TERMS)
    for size, on_disk in ((0, False), (1, False), (32 * 1024, False), (32 * 1024 + 1, True), (2_000_000, True)):
        assert server.workspaces() == ([] if size <= 32 * 1024 + 1 else ["alive"]), "made when something goes to disk"
        data = content(size, size)
        answer = exchange(server.port, upload(data)).json()
        assert (answer["sha256"], answer["size"], answer["name"]) == (digest(data), size, "data.bin")
        assert answer["on_disk"] == on_disk
    server.await_nothing()
    for size in (10, 1_000_000):
        data = content(size, size)
        assert exchange(server.port, upload(data, query=f"?to={temp}/result{size}")).status == 200
        assert (temp / f"result{size}").read_bytes() == data
    server.await_nothing()


@pytest.mark.parametrize("kind", [*ALL, "django, async"])
def test_a_body_that_is_announced_as_too_large_is_refused(serve: Serve, kind: str) -> None:
    server = serve(kind, cap=500_000, **TERMS)
    assert exchange(server.port, upload(bytes(450_000))).status == 200
    assert exchange(server.port, upload(bytes(500_000))).status == 413, "it has headers, too"
    if kind != "django, async":  # where Django itself has read all before it asks anybody
        announced = upload(b"", length=2**62)
        assert exchange(server.port, Request(announced.head, b"")).status == 413, "unread"
    server.await_nothing()


@pytest.mark.parametrize("kind", WITH_CHUNKS)
def test_a_body_that_turns_out_too_large_is_refused_and_nothing_is_left(serve: Serve, kind: str) -> None:
    server = serve(kind, cap=500_000, **TERMS)
    data = content(1, 450_000)
    assert exchange(server.port, upload(data, chunked=True)).json()["sha256"] == digest(data)
    assert exchange(server.port, upload(bytes(5_000_000), chunked=True)).status == 413
    server.await_nothing()


@pytest.mark.parametrize("kind", ALL)
def test_a_cap_below_the_headers_refuses_all_and_touches_no_disk(serve: Serve, kind: str) -> None:
    server = serve(kind, cap=40, in_memory=0)
    assert exchange(server.port, upload(b"")).status == 413
    if kind in WITH_CHUNKS:
        assert exchange(server.port, upload(b"", chunked=True)).status == 413
    assert server.workspaces() == []
    server.await_nothing()


@pytest.mark.parametrize("in_memory", ["32 KiB", "1 MiB"])
@pytest.mark.parametrize("kind", ALL)
def test_clients_that_go_in_the_middle_leave_nothing(serve: Serve, kind: str, in_memory: str) -> None:
    server = serve(kind, in_memory=in_memory)
    half = 32 * 1024  # at least

    def is_in_the_middle() -> bool:
        return server.open_files() == 20 or server.state()["memory"] >= 20 * half

    for reset in (True, False):
        connections = [begin(server.port, upload(content(each, LARGE))) for each in range(20)]
        until(is_in_the_middle, "the middle of all")
        for connection in connections:
            hang_up(connection, reset=reset)
        server.await_nothing()


@pytest.mark.parametrize("kind", ALL)
def test_clients_that_are_killed_in_the_middle_leave_nothing(serve: Serve, kind: str) -> None:
    server = serve(kind, **TERMS)
    command = [sys.executable, "-m", "tests.integrations.clients", str(server.port), "100", str(LARGE)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as clients:
        assert clients.stdout is not None
        assert clients.stdout.readline() == b"ready 100\n"
        until(lambda: server.open_files() == 100, "the middle of all")
        clients.kill()
        assert clients.wait() == -signal.SIGKILL
    server.await_nothing()


@pytest.mark.parametrize("kind", ALL)
def test_what_all_hold_in_memory_stays_within_the_budget(serve: Serve, kind: str) -> None:
    server = serve(kind, in_memory="1 MiB", memory="1 MiB")
    requests, digests = uploads(60)
    held = []

    def look() -> None:
        until(lambda: server.open_files() >= 60 - 1024 // 32, "the end of the budget")
        held.append(server.state()["memory"])

    assert told(at_once(server.port, requests, look)) == digests
    assert 0 < held[0] <= 2**20
    server.await_nothing()


@pytest.mark.once
@pytest.mark.parametrize("kind", ALL)
def test_a_thousand_at_once_arrive_right(serve: Serve, kind: str) -> None:
    server = serve(kind, **TERMS)
    requests, digests = uploads(MANY)
    answers = at_once(server.port, requests, lambda: until(lambda: server.open_files() == MANY, "the middle of all"))
    assert told(answers) == digests
    server.await_nothing()
    server.stop()
    assert server.workspaces() == []
    assert "Implicitly" not in server.errors()


@pytest.mark.once
@pytest.mark.parametrize("kind", ALL)
def test_a_thousand_whose_server_is_killed_leave_an_empty_directory_that_the_next_sweep_removes(
    serve: Serve, kind: str, temp: Path
) -> None:
    server = serve(kind, **TERMS)

    def kill() -> None:
        until(lambda: server.open_files() == MANY, "the middle of all")
        server.kill()

    assert told(at_once(server.port, uploads(MANY)[0], kill)) == []
    root = Root("uploads", temp, sweep_first=False)
    (dead,) = root.workspaces()
    assert dead.state == "dead"
    assert os.listdir(dead.path) == []
    root.sweep()
    assert root.workspaces() == []
    left = {path.name for path in temp.rglob("*")}
    assert left == {"errors", os.path.basename(root.path), "root.conf", "ledger.jsonl"}


@pytest.mark.parametrize("kind", ["starlette", "django", "flask"])
def test_control_without_the_closing_files_stay_open(serve: Serve, kind: str) -> None:
    server = serve(kind, {"LEAVE_OPEN": "1"}, **TERMS)
    assert exchange(server.port, upload(bytes(LARGE))).status == 200
    until(lambda: server.state()["left_open"] == 1, "the end of the first")
    before = server.open_files()  # 0 where the framework itself closes what it could read
    connection = begin(server.port, upload(bytes(LARGE)))
    until(lambda: server.open_files() == before + 1, "the middle of the second")
    hang_up(connection, reset=True)
    until(lambda: server.state()["left_open"] == 2, "the end of both requests")
    assert server.open_files() > 0


def test_control_with_djangos_own_handlers_a_kill_leaves_the_files(serve: Serve, temp: Path) -> None:
    server = serve("django", {"PLAIN": "1"})
    connections = [begin(server.port, upload(bytes(6_000_000))) for _ in range(5)]
    until(lambda: len(list(temp.glob("*.upload.bin"))) == 5, "the middle of all")
    server.kill()
    for connection in connections:
        connection.close()
    assert len(list(temp.glob("*.upload.bin"))) == 5
