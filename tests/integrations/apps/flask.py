"""A Flask application."""

from __future__ import annotations

import gc

import flask

from scratchwork import Uploads
from scratchwork.integrations.werkzeug import UploadRequestMixin
from scratchwork.roots.uploads import UploadedSpool
from tests.integrations.apps import shared


class Request(UploadRequestMixin, flask.Request):
    uploads = Uploads(**shared.terms)


app = flask.Flask(__name__)
if not shared.is_plain:
    app.request_class = Request


@app.post("/upload")
def upload() -> dict[str, object]:
    if not shared.is_plain:
        shared.kept.append(flask.request._get_current_object())  # type: ignore[attr-defined]
    file = flask.request.files["file"]
    told = shared.told(file.stream, file.filename)
    if "to" in flask.request.args:
        assert isinstance(file.stream, UploadedSpool)
        file.stream.publish(flask.request.args["to"])
    return told


@app.post("/nowhere")
def nowhere() -> dict[str, object]:
    while flask.request.stream.read(65536):
        pass
    return {}


@app.get("/state")
def state() -> dict[str, object]:
    gc.collect()
    return shared.state(Request.uploads)
