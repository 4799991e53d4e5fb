"""What is particular to Werkzeug and Flask: the parser alone, and views with a cap of their own."""

from __future__ import annotations

import io
from pathlib import Path

import flask
import pytest
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from scratchwork import Uploads
from scratchwork.integrations.werkzeug import UploadRequestMixin, stream_factory
from scratchwork.roots.uploads import UploadedSpool
from tests.integrations.clients import content, upload


def environ(data: bytes) -> dict[str, object]:
    request = upload(data)
    kind = next(line for line in request.head.decode().split("\r\n") if line.startswith("Content-Type: "))
    length = str(len(request.body))
    return {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": kind.partition(": ")[2],
        "CONTENT_LENGTH": length,
        "wsgi.input": io.BytesIO(request.body),
    }


def test_the_parser_alone(temp: Path) -> None:
    uploads = Uploads("app", in_memory="16 KiB", cap=100_000)
    with uploads.begin() as one:
        parser = FormDataParser(stream_factory(one), max_content_length=uploads.cap)
        _, _, files = parser.parse_from_environ(environ(content(1, 50_000)))
        stream = files["file"].stream
        assert isinstance(stream, UploadedSpool)
        assert stream.read() == content(1, 50_000)
        with pytest.raises(RequestEntityTooLarge):
            parser.parse_from_environ(environ(bytes(100_000)))
    assert stream.closed


def test_a_view_may_have_a_cap_of_its_own(temp: Path) -> None:
    class Request(UploadRequestMixin, flask.Request):
        uploads = Uploads("app", cap=100_000)

    app = flask.Flask(__name__)
    app.request_class = Request

    @app.post("/small")
    def small() -> str:
        flask.request.max_content_length = 1000
        return str(len(flask.request.files))

    @app.post("/large")
    def large() -> str:
        flask.request.max_content_length = 500_000
        return str(len(flask.request.files))

    @app.post("/usual")
    def usual() -> str:
        return str(len(flask.request.files))

    client = app.test_client()
    statuses = {
        (path, size): client.post(path, data={"file": (io.BytesIO(bytes(size)), "data.bin")}).status_code
        for path in ("/small", "/usual", "/large")
        for size in (10, 5_000, 200_000)
    }
    assert [key for key, status in statuses.items() if status == 413] == [
        *(("/small", 5_000), ("/small", 200_000), ("/usual", 200_000))
    ]
    assert set(statuses.values()) == {200, 413}
