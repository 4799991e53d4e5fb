"""What is remembered of files, and when it is believed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from scratchwork.advice.lint import cache as caching
from scratchwork.advice.lint.cache import Cache, Known, digest_of, stamp_of
from scratchwork.advice.lint.mistakes import Fix, Mistake
from scratchwork.advice.lint.running import look_at_files

pytestmark = pytest.mark.usefixtures("sample_rules")
BAD, GOOD = b"tempfile.mktemp()\n", b"tempfile.mkdtmp()\n"
FORGED = [Mistake("SCR501", "no look was taken", 1, 0, 2, 3, Fix("drop keyword", 1, 0, "delete"))]


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every file count as one that has not changed for long."""
    monkeypatch.setattr(caching, "SETTLED_AFTER", -(10**18))


def found(path: Path) -> list[str]:
    """Look at one file, with the cache of its folder; return the codes of what was found."""
    (looked,) = look_at_files([str(path)], Cache(str(path.parent)))
    return [mistake.code for mistake in looked.found]


def forge(path: Path, *, stamp: bool = True, digest: bool = True) -> None:
    """Put something into the cache that no look at the file would find."""
    cache = Cache(str(path.parent))
    data = path.read_bytes() if digest else b"something else"
    cache.put(str(path), Known(stamp_of(path.stat()) if stamp else None, digest_of(data), FORGED))
    cache.save()


def test_an_unchanged_file_is_not_looked_at(write: Callable[..., Path]) -> None:
    path = write("a.py", BAD)
    forge(path, digest=False)
    assert found(path) == ["SCR501"], "by its stamp"
    (looked,) = look_at_files([str(path)], Cache(str(path.parent)))
    assert looked.found == FORGED, "with all its parts"
    os.utime(path, (1, 1))
    assert found(path) == ["SCR301"], "neither stamp nor content is known"
    forge(path, stamp=False)
    assert found(path) == ["SCR501"], "by its content, as after a fresh checkout"
    path.write_bytes(GOOD)
    assert found(path) == []


@pytest.mark.usefixtures("settled")
def test_a_changed_file_is_looked_at_whatever_its_times_say(write: Callable[..., Path]) -> None:
    path = write("a.py", GOOD)
    os.utime(path, (1, 1))
    assert found(path) == []
    path.write_bytes(BAD)
    os.utime(path, (1, 1))
    assert found(path) == ["SCR301"]


def _as_a_coarse_clock_leaves_it(path: Path) -> None:
    """Change the file to bad, with the stamp that is in the cache: as in the tick in which it was looked at."""
    cache = Cache(str(path.parent))
    known = cache.known(str(path))
    path.write_bytes(BAD)
    assert known is not None
    if known.stamp is not None:
        cache.put(str(path), Known(stamp_of(path.stat()), known.digest, known.found))
        cache.save()


def test_a_file_that_changed_a_moment_ago_is_looked_at_again(write: Callable[..., Path]) -> None:
    path = write("a.py", GOOD)
    assert found(path) == []
    _as_a_coarse_clock_leaves_it(path)
    assert found(path) == ["SCR301"]


@pytest.mark.usefixtures("settled")
def test_control_without_that_a_change_is_missed(write: Callable[..., Path]) -> None:
    path = write("a.py", GOOD)
    assert found(path) == []
    _as_a_coarse_clock_leaves_it(path)
    assert found(path) == []


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\n{}", None])
def test_a_damaged_cache_is_none(write: Callable[..., Path], cache_home: Path, damage: bytes | None) -> None:
    path = write("a.py", BAD)
    forge(path)
    (file,) = cache_home.rglob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(file.read_bytes().replace(b"SCR501", b"SCR666") if damage is None else damage)
    assert found(path) == ["SCR301"]
    assert [one.name for one in file.parent.iterdir()] == [file.name], "written anew, and nothing beside it"


def test_another_linter_or_python_has_a_cache_of_its_own(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.py", BAD)
    forge(path)
    key = caching._key()
    monkeypatch.setattr("sys.version", "4.0")
    assert caching._key() != key
    assert found(path) == ["SCR301"]


def test_where_no_cache_can_be_written(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert found(write("a.py", BAD)) == ["SCR301"]


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "x")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert caching._folder() == str(tmp_path / ".cache" / "scratchwork" / "lint")


def test_files_that_are_gone_are_forgotten_and_others_kept(write: Callable[..., Path], project: Path) -> None:
    paths = [str(write(f"{name}.py", BAD)) for name in "abc"]
    look_at_files(paths, Cache(str(project)))
    os.unlink(paths[0])
    look_at_files([str(write("d.py", BAD))], Cache(str(project)))
    cache = Cache(str(project))
    assert [cache.known(path) is not None for path in paths] == [False, True, True]


def test_several_at_once_do_not_hurt_each_other(write: Callable[..., Path], project: Path) -> None:
    """Each saves many times; at every moment the cache is whole, and at the end it has what the last ones saved."""
    path = write("a.py", BAD)
    ends = threading.Barrier(3)

    def save(name: str) -> None:
        for number in range(20):
            cache = Cache(str(project))
            cache.put(str(write(f"{name}.py", f"{number}\n")), Known(None, str(number), []))
            cache.put(str(path), Known(None, "", FORGED))
            cache.save()
        ends.wait()

    threads = [threading.Thread(target=save, args=[name]) for name in "xy"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        known = Cache(str(project)).known(str(path))
        assert known is None or known.found == FORGED
        if ends.n_waiting == 2:
            ends.wait()
    for thread in threads:
        thread.join()
    assert Cache(str(project)).known(str(path)) == Known(None, "", FORGED)
