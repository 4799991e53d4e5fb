"""A Starlette application."""

from __future__ import annotations

import gc

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scratchwork import Uploads
from scratchwork.integrations.starlette import UploadMiddleware, publish
from tests.integrations.apps import shared

uploads = Uploads(**shared.terms)


async def upload(request: Request) -> Response:
    form = await request.form()
    if not shared.is_plain:
        shared.kept.append(form)
    file = form["file"]
    assert isinstance(file, UploadFile)
    told = shared.told(file.file, file.filename)
    if "to" in request.query_params:
        await publish(file, request.query_params["to"])
    return JSONResponse(told)


async def nowhere(request: Request) -> Response:
    async for _ in request.stream():
        pass
    return JSONResponse({})


async def state(request: Request) -> Response:
    gc.collect()
    return JSONResponse(shared.state(uploads))


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"refused": error.status_code}, status_code=error.status_code)


app = Starlette(
    routes=[
        Route("/upload", upload, methods=["POST"]),
        Route("/nowhere", nowhere, methods=["POST"]),
        Route("/state", state),
    ],
    exception_handlers={413: refused},
)
if not shared.is_plain:
    app.add_middleware(UploadMiddleware, uploads=uploads)
