"""A Django application, its settings included."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, JsonResponse
from django.urls import path

from tests.integrations.apps import shared

OURS: dict[str, Any] = {
    "FILE_UPLOAD_HANDLERS": ["scratchwork.integrations.django.ScratchUploadHandler"],
    "MIDDLEWARE": ["scratchwork.integrations.django.UploadMiddleware"],
    "SCRATCHWORK_UPLOADS": shared.terms,
}
if shared.without_middleware:
    del OURS["MIDDLEWARE"]
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, **({} if shared.is_plain else OURS))

from scratchwork.integrations.django import uploads  # noqa: E402 - after the settings


class SkipAll(FileUploadHandler):  # type: ignore[misc] # Django has no types
    """Wants no file, and lets no other handler have one."""

    def new_file(self, *arguments: Any, **options: Any) -> None:
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def upload(request: HttpRequest) -> JsonResponse:
    """Take a file; `?to=` publishes it, `?save=` gives it to Django's own storage, `?path=` asks for its path."""
    if "skip" in request.GET:
        request.upload_handlers.insert(0, SkipAll(request))
    if not shared.is_plain:
        shared.kept.append(request)
    if not request.FILES:
        return JsonResponse({"files": 0})
    file = request.FILES["file"]
    told = shared.told(file.file, file.name) | {"class": type(file).__name__, "files": len(request.FILES)}
    if "to" in request.GET:
        file.publish(request.GET["to"])
    if "save" in request.GET:
        target = Path(request.GET["save"])
        FileSystemStorage(target.parent).save(target.name, file)
    if "path" in request.GET:
        told["was_there"] = Path(file.temporary_file_path()).is_file()
    return JsonResponse(told)


def nowhere(request: HttpRequest) -> JsonResponse:
    while request.read(65536):
        pass
    return JsonResponse({})


def state(request: HttpRequest) -> JsonResponse:
    gc.collect()
    return JsonResponse(shared.state(uploads()))


urlpatterns = [path("upload", upload), path("nowhere", nowhere), path("state", state)]
app = WSGIHandler()
async_app = ASGIHandler()
