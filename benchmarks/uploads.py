"""The most memory that a server takes for a thousand uploads at once, beside its framework's own default.

And beside the same bodies read and kept nowhere: what the server needs by itself to pass them on.
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path

from benchmarks.timing import Bar, Result, in_turn
from tests.integrations.clients import at_once, content, upload
from tests.integrations.servers import MANY, many_descriptors, serving, until

MOST_MEMORY = 1.0
CASES = (  # in KiB: what all of the defaults hold in memory; then what Werkzeug's, from 500 KiB on, puts on disk
    *(("starlette", 480, MOST_MEMORY), ("fastapi", 480, MOST_MEMORY), ("django", 480, MOST_MEMORY)),
    *(("flask", 480, MOST_MEMORY), ("flask", 512, None)),
)
_REST = 64  # bytes


def measure(place: str, folder: Path, *, quick: bool) -> list[Result]:
    """Measure a server until all of them have come but for their last bytes, and then have ended."""
    if sys.platform != "linux":
        return []
    number = 100 if quick else MANY
    results = []
    for kind, size, most in CASES:
        peak = partial(_peak, kind, folder, number, size)
        peaks = {
            "Uploads()": peak,
            "default": partial(peak, PLAIN="1"),
            "kept nowhere": partial(peak, path="/nowhere", PLAIN="1"),
        }
        with many_descriptors():
            figures = in_turn(peaks, 1)
        results.append(Result(f"{number:,} of {size} KiB, {kind}", place, "MB", figures, 1, Bar("default", most)))
    return results


def _peak(kind: str, folder: Path, number: int, size: int, path: str = "/upload", **environment: str) -> float:
    """Return the most memory that the server's process had, in bytes."""
    request = upload(content(1, size * 1024), path=path)
    temp = folder / "uploads"
    temp.mkdir()
    with serving(kind, temp, {}, **environment) as server:
        answers = at_once(
            server.port, [request] * number, lambda: until(server.has_read_all, "the last bytes"), rest=_REST
        )
        if sum(answer is not None and answer.status == 200 for answer in answers) != number:
            raise RuntimeError(f"{kind}: not all uploads arrived: {server.errors()}")
        peak = server.peak()
    shutil.rmtree(temp)
    return float(peak)
