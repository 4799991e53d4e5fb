"""What all applications share: their terms, from the environment, and what they tell of a file."""

from __future__ import annotations

import hashlib
import json
import os
from typing import IO, Any

from scratchwork import Uploads
from scratchwork.roots.uploads import Upload

terms: dict[str, Any] = json.loads(os.environ.get("UPLOADS", "{}"))
is_plain = "PLAIN" in os.environ
"""Whether the framework's own default is to be used."""

without_middleware = "WITHOUT_MIDDLEWARE" in os.environ

left_open: set[Upload] = set()
"""The requests that are over, in the control: without what closes a request's files at its end."""
if "LEAVE_OPEN" in os.environ:
    Upload.close = lambda self: left_open.add(self) if self._files else None  # type: ignore[method-assign]

kept: list[object] = []
"""What programs may still refer to when a request is over, so that no collector closes it for us."""


def told(file: IO[bytes], name: str | None) -> dict[str, object]:
    """Return what came."""
    digest = hashlib.sha256()
    size = 0
    while chunk := file.read(65536):
        digest.update(chunk)
        size += len(chunk)
    file.seek(0)
    return {
        "sha256": digest.hexdigest(),
        "size": size,
        "name": name,
        "on_disk": getattr(file, "name", None) is not None,
    }


def state(uploads: Uploads) -> dict[str, object]:
    """Return which process this is and what it holds."""
    return {"pid": os.getpid(), "memory": uploads.budget.used, "left_open": len(left_open)}
