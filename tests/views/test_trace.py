"""The report on a trace, as a person reads it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

from scratchwork.advice.tracing.reading import Group, Process, Trace
from scratchwork.views import flame
from scratchwork.views.trace import as_json, short, show

if TYPE_CHECKING:
    import pytest

LIBRARY = "/usr/lib/python3.11"
NEW = Process(1, "3.11", "/usr/bin/python3", followed=True)
OLD = Process(2, "3.6", "/opt/python3.6", followed=False)


def shown(
    *groups: Group, processes: tuple[Process, ...] = (NEW,), is_complete: bool = True, top: int = 10
) -> list[str]:
    file = io.StringIO()
    show(Trace(list(groups), list(processes), (LIBRARY,), is_complete), file, depth=2, top=top)
    return [" ".join(line.split()) for line in file.getvalue().splitlines()]


def test_only_the_programs_own_calls_are_shown() -> None:
    stack = (
        (f"{LIBRARY}/zipfile.py", 7, "ZipFile.open"),
        (f"{LIBRARY}/site-packages/wheel/write.py", 3, "write"),
        (f"{LIBRARY}/runpy.py", 9, "run"),
        ("/srv/app.py", 1, "main"),
        ("/srv/app.py", 9, "<module>"),
    )
    assert shown(Group(stack, made=1))[1:3] == ["0 0 B 1 0 B wheel/write.py:3 write", "/srv/app.py:1 main"]
    assert shown(Group(stack[:1], made=1))[1] == "0 0 B 1 0 B zipfile.py:7 ZipFile.open"


def test_all_that_there_is_to_say() -> None:
    group = Group((("/srv/a.py", 1, "f"),), made=1234, left=2, moved_out=3, anonymous=4, unseen=5, bytes_made=10**6)
    group.bytes_left, group.paths, group.held_by = 2000, ["/tmp/a\x1b", "/tmp/b"], [17, 18]
    lines = shown(group, Group((), made=1), processes=(NEW, NEW, OLD), is_complete=False)
    assert lines == [
        "LEFT SIZE MADE SIZE WHERE",
        "7 2.0 kB 1,239 1.0 MB /srv/a.py:1 f",
        "left /tmp/a? and 6 more",
        "open in process 17, 18",
        "5 of these by code that was not followed",
        "3 moved out of temp space",
        "4 without a name, of unknown size",
        "0 0 B 1 0 B (unknown: the record is incomplete)",
        "scratch: made in temp space: 1,240 (1.0 MB); left: 7 (2.0 kB); processes: 1",
        "scratch: not followed: Python 3.6 (/opt/python3.6); it takes 3.8 or newer",
        "scratch: this is not all: part was not recorded (disk full? record removed, or of 512 MiB? deep stack?)",
    ]


def test_the_places_that_left_most_come_first() -> None:
    groups = [
        Group(((f"/{name}.py", 1, "f"),), made=1, bytes_left=size) for name, size in (("a", 1), ("b", 3), ("c", 2))
    ]
    lines = shown(*groups, top=2)
    assert [line.split()[-2] for line in lines[1:3]] == ["/b.py:1", "/c.py:1"]
    assert lines[3] == "scratch: 1 more place not shown; '--top 3' would, and --json has all"


def test_paths_are_short_and_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert short(f"{tmp_path}/a/b.py") == "a/b.py"
    assert short(f"{LIBRARY}/json/decoder.py", [LIBRARY]) == "json/decoder.py"
    assert short("/v/lib/python3.11/site-packages/a/b.py", [LIBRARY]) == "a/b.py"
    assert short("/usr/lib/python3/dist-packages/a.py", [LIBRARY]) == "a.py"
    assert short("<string>") == "<string>"
    tmp_path.rmdir()
    assert short("/x/a.py") == "/x/a.py"


def test_names_that_are_no_text_get_into_json_and_html() -> None:
    group = Group((("/a\udcff.py", 1, "f\ud800"),), made=1, left=1, bytes_made=9, bytes_left=9, paths=["/tmp/\udcff"])
    trace = Trace([group], [NEW], (), is_complete=False)
    assert json.loads(as_json(trace, ["python"], 0))["groups"][0]["paths"] == ["/tmp/\udcff"]
    page = flame.page(trace, "python \udcff <b>")
    assert "\\udcff.py:1" in page.encode().decode()
    assert "python \\udcff &lt;b&gt;" in page
    assert "could not be recorded" in page


def test_a_flame_graph_of_what_has_no_bytes() -> None:
    page = flame.page(Trace([Group((("a.py", 1, "f"),), made=2, anonymous=1)], [NEW], (), is_complete=True), "x")
    assert "<svg" not in page
    assert "<p>1, of 0 bytes.</p>" in page
    assert "not drawn: 1 file without a name, of unknown size" in page


def test_what_is_too_thin_to_be_seen_is_left_out() -> None:
    groups = [Group((("a.py", n, "f"),), made=1, bytes_made=1) for n in range(10_000)]
    groups.append(Group((("b.py", 1, "g"),), made=1, bytes_made=10**6))
    page = flame.page(Trace(groups, [NEW], (), is_complete=True), "x")
    assert page.count("<rect") == 2
