"""A Werkzeug application."""

from __future__ import annotations

import gc
import json

from werkzeug.wrappers import Request as BaseRequest
from werkzeug.wrappers import Response

from scratchwork import Uploads
from scratchwork.integrations.werkzeug import UploadRequestMixin
from scratchwork.roots.uploads import UploadedSpool
from tests.integrations.apps import shared


class Request(UploadRequestMixin):
    uploads = Uploads(**shared.terms)


@Request.application
def app(request: BaseRequest) -> Response:
    if request.path == "/state":
        gc.collect()
        return Response(json.dumps(shared.state(Request.uploads)))
    shared.kept.append(request)
    file = request.files["file"]
    told = shared.told(file.stream, file.filename)
    if "to" in request.args:
        assert isinstance(file.stream, UploadedSpool)
        file.stream.publish(request.args["to"])
    return Response(json.dumps(told))
