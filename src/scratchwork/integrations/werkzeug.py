"""Uploads in Werkzeug and Flask: a request class whose files are those of the application's `Uploads`.

class Request(UploadRequestMixin, flask.Request):
    uploads = Uploads(cap="1 GB")

app.request_class = Request
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

try:
    from werkzeug.wrappers import Request
except ImportError as missing:
    raise ImportError(
        "scratchwork.integrations.werkzeug needs Werkzeug 3.1 or newer: pip install 'scratchwork[werkzeug]'"
    ) from missing

if TYPE_CHECKING:
    from typing import ClassVar

    from werkzeug.formparser import TStreamFactory

    from scratchwork.roots.uploads import Upload, Uploads


class UploadRequestMixin(Request):
    """A request whose files come from `uploads`, and are closed with it; also one whose form could not be read.

    It stands before `flask.Request`; for Werkzeug it is a `Request` of its own. Flask and Werkzeug's
    `@Request.application` close a request when they have the response; who makes requests by hand uses `with`. A file
    that is to stay is published before: `request.files["name"].stream.publish(destination)`.

    The cap takes the place of `max_content_length` and Flask's MAX_CONTENT_LENGTH, so a body over it is refused by
    Werkzeug itself, with its RequestEntityTooLarge, status 413. A view may set another one on its request.
    """

    uploads: ClassVar[Uploads]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._upload = self.uploads.begin()
        if self.uploads.cap is not None:
            self.max_content_length = self.uploads.cap

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        """Open a file, as Werkzeug asks for it."""
        return self._upload.open()

    def close(self) -> None:
        """Close the request and its files."""
        try:
            super().close()
        finally:
            self._upload.close()


def stream_factory(upload: Upload) -> TStreamFactory:
    """Return a stream factory for Werkzeug's `FormDataParser`, whose files `upload` closes at its end."""

    def open_stream(
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return upload.open()

    return open_stream
