"""Uploads in Django: an upload handler whose files can be published, and a middleware that refuses what is too large.

FILE_UPLOAD_HANDLERS = ["scratchwork.integrations.django.ScratchUploadHandler"]
MIDDLEWARE = ["scratchwork.integrations.django.UploadMiddleware", ...]
SCRATCHWORK_UPLOADS = {"cap": "1 GB"}  # the arguments of `scratchwork.Uploads`

On ASGI Django reads the whole body into a temporary file of its own before it asks anybody, and the cap comes after
that: let the server in front have one, too.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

try:
    from django.conf import settings
    from django.core.exceptions import RequestDataTooBig
    from django.core.files.uploadedfile import InMemoryUploadedFile, TemporaryUploadedFile, UploadedFile
    from django.core.files.uploadhandler import FileUploadHandler
    from django.http import HttpResponse
    from django.utils.deprecation import MiddlewareMixin
except ImportError as missing:
    raise ImportError(
        "scratchwork.integrations.django needs Django 4.2 or newer: pip install 'scratchwork[django]'"
    ) from missing

from scratchwork.errors import UploadTooLarge
from scratchwork.roots.uploads import Uploads

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from scratchwork.roots.uploads import Upload, UploadedSpool


@cache
def uploads() -> Uploads:
    """Return what the setting SCRATCHWORK_UPLOADS asks for: the same for all requests of this process.

    Raises TypeError and ValueError as `Uploads` does.
    """
    return Uploads(**getattr(settings, "SCRATCHWORK_UPLOADS", {}))


class _Published:
    """What an uploaded file can do besides."""

    file: UploadedSpool

    def publish(self, destination: str | os.PathLike[str], **options: Any) -> Path:
        """Move the content to where it belongs, as `scratchwork.publish` does; then close the file.

        `options`: its own. Raises CannotPublish and DestinationExists, after which the file is open as before.
        """
        return self.file.publish(destination, **options)


class ScratchInMemoryFile(_Published, InMemoryUploadedFile):  # type: ignore[misc] # Django has no types
    """An uploaded file that is in memory."""


class ScratchTemporaryFile(_Published, TemporaryUploadedFile):  # type: ignore[misc] # Django has no types
    """An uploaded file that is on disk, without a name until somebody asks for it."""

    def __init__(self, *arguments: Any) -> None:
        UploadedFile.__init__(self, *arguments)  # the parent's would make a file with a name

    def temporary_file_path(self) -> str:
        """Return a path of the file, which it has until it is closed. Raises CannotPublish."""
        return str(self.file.named())


class ScratchUploadHandler(FileUploadHandler):  # type: ignore[misc] # Django has no types
    """Keeps the files of a request in memory while they are small, and else on disk, by SCRATCHWORK_UPLOADS.

    They are closed with the request, also one whose form could not be read. A body over the cap raises
    RequestDataTooBig, to which Django answers with status 400; with `UploadMiddleware` it is 413.
    """

    _upload: Upload
    file: UploadedSpool
    """The one that is under way, under the name by which Django closes it; not there if another handler skips it."""

    def handle_raw_input(
        self, input_data: Any, META: dict[str, Any], content_length: int, boundary: bytes, encoding: str | None = None
    ) -> None:
        """Begin with a request. Raises RequestDataTooBig."""
        try:
            self._upload = uploads().begin(content_length)
        except UploadTooLarge as error:
            raise RequestDataTooBig(error.strerror) from error
        if self.request is not None:
            _close_with(self.request, self._upload)

    def new_file(self, *arguments: Any, **options: Any) -> None:
        """Begin with a file."""
        super().new_file(*arguments, **options)
        self.file = self._upload.open()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write what came; other handlers need not. Raises OSError."""
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        """Return the file."""
        self.file.seek(0)
        more = self.file_name, self.content_type, file_size, self.charset, self.content_type_extra
        if self.file.name is None:
            return ScratchInMemoryFile(self.file, self.field_name, *more)
        return ScratchTemporaryFile(self.file, *more)

    def upload_interrupted(self) -> None:
        """Close the file that was under way."""
        if "file" in self.__dict__:
            self.file.close()


class UploadMiddleware(MiddlewareMixin):  # type: ignore[misc] # Django has no types
    """Answers with status 413 to a body over the cap, before anything of it is read (on WSGI).

    Django parses no body without a Content-Length, so this sees all that are too large.
    """

    def process_request(self, request: Any) -> HttpResponse | None:
        """Refuse a request, or let it pass."""
        try:
            uploads().begin(int(request.META.get("CONTENT_LENGTH") or 0))
        except UploadTooLarge:
            return HttpResponse("413 Content Too Large", status=413, content_type="text/plain")
        except ValueError:
            pass  # no number: Django's own business
        return None


def _close_with(request: Any, upload: Upload) -> None:
    """See to it that the files are closed when Django closes the request."""
    close_request = request.close

    def close() -> None:
        try:
            close_request()
        finally:
            upload.close()

    request.close = close
