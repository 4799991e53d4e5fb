"""A FastAPI application."""

from __future__ import annotations

import gc

from fastapi import FastAPI, Request, UploadFile

from scratchwork import Uploads
from scratchwork.integrations.starlette import UploadMiddleware, publish
from tests.integrations.apps import shared

uploads = Uploads(**shared.terms)
app = FastAPI()
if not shared.is_plain:
    app.add_middleware(UploadMiddleware, uploads=uploads)


@app.post("/upload")
async def upload(file: UploadFile, to: str | None = None) -> dict[str, object]:
    if not shared.is_plain:
        shared.kept.append(file)
    told = shared.told(file.file, file.filename)
    if to is not None:
        await publish(file, to)
    return told


@app.post("/nowhere")
async def nowhere(request: Request) -> None:
    async for _ in request.stream():
        pass


@app.get("/state")
async def state() -> dict[str, object]:
    gc.collect()
    return shared.state(uploads)
