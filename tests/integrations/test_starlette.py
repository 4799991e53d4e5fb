"""What is particular to Starlette: where its parser's files come from, and the ways in which a request may end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from scratchwork import Uploads
from scratchwork.files.spooled import Storage
from scratchwork.integrations.starlette import UploadMiddleware, publish
from scratchwork.roots.uploads import UploadedSpool
from tests.helpers_programs import python
from tests.integrations.clients import content, upload

Endpoint = Callable[[Request], Awaitable[Response]]


def app_of(endpoint: Endpoint, *middleware: Middleware) -> Starlette:
    return Starlette(routes=[Route("/upload", endpoint, methods=["POST"])], middleware=middleware)


async def call(app: Starlette, data: bytes, middle: Callable[[], Awaitable[None]] | None = None) -> list[Any]:
    """Call an application as a server does, with the body in two halves, and return what it sent."""
    request = upload(data)
    lines = request.head.decode().split("\r\n")[1:-2]
    headers = [tuple(part.encode() for part in line.lower().split(": ", 1)) for line in lines]
    halves = [request.body[: request.half], request.body[request.half :]]
    scope = {"type": "http", "method": "POST", "path": "/upload", "query_string": b"", "headers": headers}
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if len(halves) == 1 and middle is not None:
            await middle()
        if not halves:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": halves.pop(0), "more_body": bool(halves)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def file_of(request: Request) -> UploadFile:
    file = (await request.form())["file"]
    assert isinstance(file, UploadFile)
    return file


@pytest.fixture
def uploads(temp: Path) -> Uploads:
    return Uploads("app", in_memory="16 KiB")


def test_only_requests_that_pass_through_the_middleware_get_our_files(uploads: Uploads) -> None:
    kinds = []

    async def endpoint(request: Request) -> Response:
        file = await file_of(request)
        kinds.append(type(file.file))
        await file.close()
        return PlainTextResponse("")

    for app in (app_of(endpoint), app_of(endpoint, Middleware(UploadMiddleware, uploads))):
        asyncio.run(call(app, b"content"))
    assert [kind is UploadedSpool for kind in kinds] == [False, True]


def test_behind_and_before_a_middleware_that_runs_the_application_in_a_task(uploads: Uploads) -> None:
    files: list[UploadFile] = []

    async def endpoint(request: Request) -> Response:
        files.append(await file_of(request))
        return PlainTextResponse(str(len(await files[-1].read())))

    async def dispatch(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    wrapper = Middleware(BaseHTTPMiddleware, dispatch=dispatch)
    ours = Middleware(UploadMiddleware, uploads)
    for order in ((wrapper, ours), (ours, wrapper)):
        sent = asyncio.run(call(app_of(endpoint, *order), bytes(50_000)))
        assert sent[1]["body"] == b"50000"
    assert all(isinstance(file.file, UploadedSpool) and file.file.closed for file in files)


def test_an_exception_closes_the_files(uploads: Uploads) -> None:
    files: list[UploadFile] = []

    async def endpoint(request: Request) -> Response:
        files.append(await file_of(request))
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        asyncio.run(call(app_of(endpoint, Middleware(UploadMiddleware, uploads)), bytes(50_000)))
    assert files[0].file.closed


@pytest.mark.parametrize("where", ["in the body", "in the endpoint"])
def test_a_cancellation_closes_the_files(uploads: Uploads, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[UploadedSpool] = []
    plain = UploadedSpool.__init__

    def noted(self: UploadedSpool, uploads: Uploads) -> None:
        plain(self, uploads)
        opened.append(self)

    monkeypatch.setattr(UploadedSpool, "__init__", noted)

    async def main() -> None:
        there = asyncio.Event()

        async def wait() -> None:
            there.set()
            await asyncio.Event().wait()

        async def endpoint(request: Request) -> Response:
            await file_of(request)
            await wait()
            raise AssertionError

        app = app_of(endpoint, Middleware(UploadMiddleware, uploads))
        task = asyncio.create_task(call(app, bytes(100_000), wait if where == "in the body" else None))
        await there.wait()
        assert not opened[0].closed
        assert opened[0].name is not None, "it is on disk"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert opened[0].closed

    asyncio.run(main())


def test_files_are_there_for_background_tasks(uploads: Uploads) -> None:
    lengths = []

    async def endpoint(request: Request) -> Response:
        file = await file_of(request)

        async def later() -> None:
            lengths.append(len(await file.read()))

        return PlainTextResponse("", background=BackgroundTask(later))

    asyncio.run(call(app_of(endpoint, Middleware(UploadMiddleware, uploads)), bytes(50_000)))
    assert lengths == [50_000]


@pytest.mark.parametrize("size", [100, 50_000])
def test_publishing_takes_its_options(uploads: Uploads, temp: Path, size: int) -> None:
    async def endpoint(request: Request) -> Response:
        file = await file_of(request)
        with pytest.raises(FileExistsError):
            await publish(file, temp, overwrite=False)
        return PlainTextResponse(str(await publish(file, temp / "result", durable=False, mode=0o640)))

    sent = asyncio.run(call(app_of(endpoint, Middleware(UploadMiddleware, uploads)), content(1, size)))
    assert sent[1]["body"].decode() == str(temp / "result")
    assert (temp / "result").read_bytes() == content(1, size)
    assert (temp / "result").stat().st_mode & 0o777 == 0o640


def test_what_may_go_to_disk_is_written_in_a_thread(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrote_here = []
    plain = Storage.roll_over

    def noted(self: Storage) -> None:
        if not self.rolled:
            wrote_here.append(threading.current_thread() is threading.main_thread())
        plain(self)

    monkeypatch.setattr(Storage, "roll_over", noted)

    async def endpoint(request: Request) -> Response:
        file = await file_of(request)
        await file.seek(10)
        return PlainTextResponse("")

    for terms in ({"in_memory": "16 KiB"}, {"memory": "16 KiB"}, {"memory": 0}):
        app = app_of(endpoint, Middleware(UploadMiddleware, Uploads("app", **terms)))
        asyncio.run(call(app, bytes(50_000)))
    assert wrote_here == [False] * 3


def test_a_starlette_that_has_changed_is_refused(temp: Path) -> None:
    done = python(
        "from starlette import formparsers; del formparsers.SpooledTemporaryFile\n"
        "import scratchwork.integrations.starlette",
        check=False,
    )
    assert "starlette.formparsers has no SpooledTemporaryFile any more: use an older Starlette" in done.stderr
