"""Uploads in Starlette and FastAPI: `app.add_middleware(UploadMiddleware, uploads=Uploads(cap="1 GB"))` is all.

`request.form()` and FastAPI's `UploadFile` parameters then give files of the application's `Uploads`.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

try:
    from starlette import formparsers
    from starlette.concurrency import run_in_threadpool
    from starlette.middleware.body_limit import RequestBodyLimitMiddleware
except ImportError as missing:
    raise ImportError(
        "scratchwork.integrations.starlette needs Starlette 1.6 or newer: pip install 'scratchwork[starlette]'"
    ) from missing

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from starlette.datastructures import UploadFile
    from starlette.types import ASGIApp, Receive, Scope, Send

    from scratchwork.roots.uploads import Upload, Uploads

_NAME = "SpooledTemporaryFile"
_current: ContextVar[Upload | None] = ContextVar("scratchwork_upload", default=None)


class UploadMiddleware:
    """ASGI middleware: the files of each request come from `uploads`, and are closed when the request is over.

    That is when the application's call ends, background tasks included, whether by a response, an exception, a client
    that has gone or a cancellation. A file that is to stay is published before: see `publish`.

    A body over the cap is refused by Starlette's own `RequestBodyLimitMiddleware`, with status 413: by its
    Content-Length before anything is read, else while it comes, as an HTTPException that the application's own
    handlers may answer. A route's own `max_body_size` takes the place of the cap.

    The end of the application's lifespan removes this process's workspace, since uvicorn dies of the signal that
    stopped it, and calls nothing at exit.
    """

    def __init__(self, app: ASGIApp, uploads: Uploads) -> None:
        self._app = app if uploads.cap is None else RequestBodyLimitMiddleware(app, uploads.cap)
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or whatever else an application is called for."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            if scope["type"] == "lifespan":
                self._uploads.close()
            return
        upload = self._uploads.begin()
        token = _current.set(upload)
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(token)
            await _close(upload)


async def publish(file: UploadFile, destination: str | os.PathLike[str], **options: Any) -> Path:
    """Move an uploaded file to where it belongs, in a thread, as `scratchwork.publish` does; then close it.

    `options`: its own. Raises CannotPublish and DestinationExists, after which the file is open as before.
    """
    return await run_in_threadpool(file.file.publish, destination, **options)  # type: ignore[attr-defined]


async def _close(upload: Upload) -> None:
    """Close its files: in a thread if that frees space on a disk, which takes a while if it is much."""
    try:
        if upload.is_on_disk:
            await run_in_threadpool(upload.close)
    finally:
        upload.close()  # what the thread did not come to, since the request was cancelled


def _spool(*arguments: Any, **options: Any) -> Any:
    """Open a file for Starlette's form parser: the request's own, where there is one."""
    upload = _current.get()
    return _original(*arguments, **options) if upload is None else upload.open()


# Starlette has no hook for where its form parser puts files.
_original: Any = getattr(formparsers, _NAME, None)
if _original is None:
    raise ImportError(f"starlette.formparsers has no {_NAME} any more: use an older Starlette, or a newer scratchwork")
setattr(formparsers, _NAME, _spool)
