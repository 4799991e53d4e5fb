"""What is particular to Django: its storage, its own answers, and forms that end too early."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integrations.clients import Request, content, exchange, upload
from tests.integrations.servers import Server

Serve = Callable[..., Server]


@pytest.mark.parametrize(("size", "kind"), [(1000, "ScratchInMemoryFile"), (100_000, "ScratchTemporaryFile")])
def test_its_storage_takes_both_kinds(serve: Serve, temp: Path, size: int, kind: str) -> None:
    server = serve("django", in_memory="16 KiB")
    data = content(1, size)
    answer = exchange(server.port, upload(data, query=f"?save={temp}/saved.bin"))
    assert answer.json()["class"] == kind
    assert (temp / "saved.bin").read_bytes() == data
    assert (temp / "saved.bin").stat().st_mode & 0o777 == 0o644
    server.await_nothing()


def test_a_path_that_nobody_moved_goes_with_the_request(serve: Serve) -> None:
    server = serve("django", in_memory="16 KiB")
    assert exchange(server.port, upload(bytes(100_000), query="?path=1")).json()["was_there"]
    server.await_nothing()


def test_without_the_middleware_its_own_answer_is_400(serve: Serve) -> None:
    server = serve("django", {"WITHOUT_MIDDLEWARE": "1"}, cap=500_000)
    assert exchange(server.port, upload(bytes(400_000))).status == 200
    assert exchange(server.port, upload(bytes(600_000))).status == 400
    server.await_nothing()


def test_it_reads_no_chunked_body_so_that_none_gets_past_the_cap(serve: Serve) -> None:
    server = serve("django", cap=500_000)
    assert exchange(server.port, upload(bytes(600_000), chunked=True)).json() == {"files": 0}
    server.await_nothing()


def test_a_form_that_ends_too_early_loses_only_its_last_file(serve: Serve) -> None:
    server = serve("django", in_memory="16 KiB")
    whole, second = upload(content(1, 100_000)), upload(content(2, 100_000))
    body = whole.body.removesuffix(b"--\r\n") + b"\r\n"  # no end: another part follows
    body += second.body.split(b"\r\n", 1)[1].replace(b"name=file", b"name=more", 1)[:50_000]
    head = whole.head.replace(b"Content-Length: %d" % len(whole.body), b"Content-Length: %d" % len(body))
    answer = exchange(server.port, Request(head, body)).json()
    assert (answer["size"], answer["files"]) == (100_000, 1)
    server.await_nothing()


def test_a_file_that_an_earlier_handler_skips(serve: Serve) -> None:
    server = serve("django", in_memory="16 KiB")
    assert exchange(server.port, upload(bytes(100_000), query="?skip=1")).json() == {"files": 0}
    server.await_nothing()
