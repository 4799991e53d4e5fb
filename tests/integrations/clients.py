"""Real clients on the loopback interface: one at a time, a thousand at once, and some that are killed.

As a program, `python -m tests.integrations.clients PORT NUMBER SIZE` sends half of that many uploads of that many
bytes, says "ready" and waits to be killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
_BOUNDARY = "a-boundary-that-is-in-no-content"
_TIMEOUT = 60.0


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return its body as data."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Request:
    """An upload as it goes over the wire."""

    head: bytes
    body: bytes

    @property
    def half(self) -> int:
        """How much of the body comes before the middle."""
        return len(self.body) // 2


def content(number: int, size: int) -> bytes:
    """Return that many bytes, others for each number."""
    return random.Random(number).randbytes(size)


def digest(data: bytes) -> str:
    """Return what a server tells of an upload that arrived right."""
    return hashlib.sha256(data).hexdigest()


def upload(
    data: bytes, *, path: str = "/upload", query: str = "", chunked: bool = False, length: int | None = None
) -> Request:
    """Return a request with one file. `length`: what to announce instead of the truth."""
    body = (
        f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name=file; filename=data.bin\r\n"
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    body += data + f"\r\n--{_BOUNDARY}--\r\n".encode()
    size = len(body) if length is None else length
    announced = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    head = (
        f"POST {path}{query} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n{announced}\r\n\r\n"
    )
    return Request(head.encode(), _in_chunks(body) if chunked else body)


def _in_chunks(body: bytes, size: int = 16 * 1024) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def parse(raw: bytes) -> Answer:
    """Return an answer from what came until the connection was closed."""
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head, "no answer"
    if b"transfer-encoding: chunked" in head.lower():
        body = _joined(body)
    return Answer(int(head.split()[1]), body)


def _joined(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole


def connect(port: int) -> socket.socket:
    """Connect to a server."""
    return socket.create_connection((HOST, port), _TIMEOUT)


def exchange(port: int, request: Request | None = None, *, path: str = "/") -> Answer:
    """Send a request, by default a GET of `path`, and return the answer, also one that comes before the end."""
    wanted = request or Request(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode(), b"")
    with connect(port) as connection:
        raw = b""
        with contextlib.suppress(OSError):  # it was refused in the middle; the answer says so
            connection.sendall(wanted.head + wanted.body)
        with contextlib.suppress(ConnectionResetError):  # ... and what was on its way was thrown away
            while more := connection.recv(65536):
                raw += more
    return parse(raw)


def begin(port: int, request: Request) -> socket.socket:
    """Send half of a request, and return the connection."""
    connection = connect(port)
    connection.sendall(request.head + request.body[: request.half])
    return connection


def hang_up(connection: socket.socket, *, reset: bool) -> None:
    """Close a connection in the middle: with a reset, as a crash of the machine does, or else in an orderly way."""
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def at_once(
    port: int, requests: Sequence[Request], in_the_middle: Callable[[], object], *, rest: int | None = None
) -> list[Answer | None]:
    """Send all requests at once; when half of each is sent, or all but `rest` bytes, call a function; send the rest.

    Returns the answers, None for each that got none.
    """

    async def send_all() -> list[Answer | None]:
        connections = [await asyncio.open_connection(HOST, port) for _ in requests]
        cuts = [request.half if rest is None else len(request.body) - rest for request in requests]
        together = list(zip(requests, cuts, connections, strict=True))
        await asyncio.gather(*[_send(request.head + request.body[:cut], w) for request, cut, (_, w) in together])
        await asyncio.to_thread(in_the_middle)
        return await asyncio.gather(*[_finish(request.body[cut:], r, w) for request, cut, (r, w) in together])

    return asyncio.run(send_all())


async def _send(data: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(data)
    await writer.drain()


async def _finish(rest: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer | None:
    try:
        await _send(rest, writer)
        raw = await asyncio.wait_for(reader.read(), _TIMEOUT)
        return parse(raw) if raw else None
    except ConnectionError:
        return None
    finally:
        writer.close()


def main() -> None:
    """Send halves, and wait to be killed."""
    port, number, size = (int(word) for word in sys.argv[1:])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = [begin(port, upload(content(each, size))) for each in range(number)]
    print("ready", len(connections), flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
