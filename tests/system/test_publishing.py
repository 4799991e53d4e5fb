"""What is published, where it goes, and that nothing else is left."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scratchwork.errors import CannotPublish, DestinationExists, ScratchError
from scratchwork.system import names, trees
from scratchwork.system.publishing import drafts, open_draft, placing, publish, publish_descriptor
from scratchwork.system.renaming import linux as renaming

from .publishing_scenarios import (
    NEW,
    OLD,
    SAME_DEVICE,
    Arena,
    content,
    laid_out,
    make_file,
    make_tree,
    picture,
)


@pytest.fixture
def arena(place: Path) -> Arena:
    (place / "here").mkdir()
    (place / "there").mkdir()
    return Arena(place / "here", place / "there")


@pytest.mark.parametrize(
    "of_path",
    [str, os.fsencode, lambda path: path],
    ids=["text", "bytes", "path"],
)
def test_takes_paths_of_every_kind_and_returns_one(arena: Arena, of_path: Callable[[Path], Any]) -> None:
    make_file(arena.source, NEW)
    assert publish(of_path(arena.source), of_path(arena.destination)) == arena.destination
    assert arena.destination.read_bytes() == NEW
    assert list(arena.here.iterdir()) == []


def test_a_same_device_file_is_the_very_file(arena: Arena) -> None:
    make_file(arena.source, NEW)
    before = arena.source.stat()
    publish(arena.source, arena.destination)
    after = arena.destination.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_relative_paths_are_taken_from_the_current_folder(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(arena.here)
    for _ in range(30):  # deeper than a path may be long
        os.mkdir("x" * 200)
        os.chdir("x" * 200)
    make_file(Path("source"), NEW)
    assert publish("source", "result") == Path("result")
    assert Path("result").read_bytes() == NEW
    draft = open_draft("result")
    os.write(draft.fd, OLD)
    os.chdir("..")  # the draft's folder is open already
    draft.commit()
    draft.close()
    os.chdir("x" * 200)
    assert Path("result").read_bytes() == OLD


def test_odd_names(arena: Arena) -> None:
    for name in ("a b", "-rf", "ä" * 127, "x" * 255, os.fsdecode(b"\xff\xfe"), "new\nline"):
        for data in (OLD, NEW):
            make_file(arena.source, data)
            publish(arena.source, arena.there / name)
            assert (arena.there / name).read_bytes() == data
            draft = open_draft(arena.there / name)
            draft.commit()
            draft.close()
        (arena.there / name).unlink()
    assert list(arena.there.iterdir()) == []


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_led_to_by_a_symlink(arena: Arena, overwrite: bool) -> None:
    (arena.here / "link").symlink_to("../there")
    make_file(arena.source, NEW)
    publish(arena.source, arena.here / "link" / "result", overwrite=overwrite)
    assert arena.destination.read_bytes() == NEW


@pytest.mark.parametrize("what", ["file", "directory", "dangling symlink", "symlink", "pipe"])
@pytest.mark.parametrize("way", ["file", "directory", "open file", "draft", "named draft"])
def test_never_overwrites_if_not_allowed(arena: Arena, what: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(arena.there / "result", what)
    lay_out, work = WAYS[way]
    if way == "named draft":
        monkeypatch.setattr(drafts, "_TMPFILE", 0)
    lay_out(arena)
    before = picture(arena.here), picture(arena.there)
    with pytest.raises((DestinationExists, CannotPublish)) as caught:
        work(arena, False)
    if not way.endswith("draft") or what in ("file", "dangling symlink"):
        assert isinstance(caught.value, FileExistsError)
        assert caught.value.errno == errno.EEXIST
    assert isinstance(caught.value, ScratchError)
    assert caught.value.filename == str(arena.destination)
    assert (picture(arena.here), picture(arena.there)) == before
    if arena.fd >= 0:
        os.close(arena.fd)


def put(path: Path, what: str) -> None:
    if what == "file":
        path.write_bytes(OLD)
    elif what == "directory":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("missing" if "dangling" in what else "/etc/passwd")


def lay_out_open(arena: Arena) -> None:
    arena.fd = os.open(arena.here, os.O_TMPFILE | os.O_RDWR)
    os.write(arena.fd, NEW)


def publish_draft(arena: Arena, overwrite: bool) -> None:
    draft = open_draft(arena.destination)
    try:
        draft.commit(overwrite=overwrite)
    finally:
        draft.close()


WAYS: dict[str, tuple[Callable[[Arena], Any], Callable[[Arena, bool], Any]]] = {
    "file": (lambda a: make_file(a.source, NEW), lambda a, o: publish(a.source, a.destination, o)),
    "directory": (lambda a: make_tree(a.source, NEW), lambda a, o: publish(a.source, a.destination, o)),
    "open file": (lay_out_open, lambda a, o: publish_descriptor(a.fd, a.destination, o)),
    "draft": (lambda _: None, publish_draft),
    "named draft": (lambda _: None, publish_draft),
}


def test_what_appears_at_the_last_moment_is_not_overwritten(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    real = placing.link_open_file

    def late(*arguments: Any) -> None:
        arena.destination.write_bytes(OLD)
        real(*arguments)

    monkeypatch.setattr(placing, "link_open_file", late)
    lay_out_open(arena)
    with pytest.raises(DestinationExists):
        publish_descriptor(arena.fd, arena.destination, overwrite=False)
    assert arena.destination.read_bytes() == OLD
    publish_descriptor(arena.fd, arena.destination)
    assert arena.destination.read_bytes() == NEW
    os.close(arena.fd)


@pytest.mark.parametrize("full", [True, False])
def test_a_directory_made_at_the_last_moment_is_replaced_whole(
    arena: Arena, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = placing.rename_over

    def late(*arguments: Any) -> None:
        arena.destination.mkdir()
        if full:
            (arena.destination / "other").touch()
        real(*arguments)

    monkeypatch.setattr(placing, "rename_over", late)
    make_tree(arena.source, NEW)
    publish(arena.source, arena.destination)
    assert sorted(os.listdir(arena.destination)) == ["empty", "file", "sub"]
    assert os.listdir(arena.here) == []


def test_an_empty_directory_is_not_overwritten_if_not_allowed(arena: Arena) -> None:
    # the control: rename(2) alone would
    arena.source.mkdir()
    arena.destination.mkdir()
    with pytest.raises(DestinationExists):
        publish(arena.source, arena.destination, overwrite=False)
    os.rename(arena.source, arena.destination)


def test_without_hard_links_a_file_is_renamed(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in sorted(placing.NO_LINKS):
        make_file(arena.source, NEW)
        with monkeypatch.context() as patch:
            patch.setattr(os, "link", refusing(number))
            publish(arena.source, arena.destination, overwrite=False)
            make_file(arena.source, NEW)
            with pytest.raises(DestinationExists):
                publish(arena.source, arena.destination, overwrite=False)
        assert arena.destination.read_bytes() == NEW
        arena.destination.unlink()


@pytest.mark.parametrize("number", sorted({errno.EXDEV, errno.ENOENT, errno.EPERM, errno.EOPNOTSUPP}))
def test_an_open_file_that_cannot_be_linked_is_copied(
    arena: Arena, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.link, [number]

    def once(*arguments: Any, **named: Any) -> None:
        if calls:
            raise OSError(calls.pop(), "no")
        real(*arguments, **named)

    monkeypatch.setattr(os, "link", once)
    lay_out_open(arena)
    os.lseek(arena.fd, 3, os.SEEK_SET)
    publish_descriptor(arena.fd, arena.destination)
    assert arena.destination.stat().st_ino != os.fstat(arena.fd).st_ino
    assert arena.destination.read_bytes() == NEW
    assert os.lseek(arena.fd, 0, os.SEEK_CUR) == 3
    os.close(arena.fd)


def test_an_open_file_is_linked_and_stays_open(arena: Arena) -> None:
    lay_out_open(arena)
    publish_descriptor(arena.fd, arena.destination)
    assert arena.destination.stat().st_ino == os.fstat(arena.fd).st_ino
    os.write(arena.fd, b"more")
    assert arena.destination.read_bytes() == NEW + b"more"
    os.close(arena.fd)


@pytest.mark.parametrize("flags", [os.O_TMPFILE | os.O_EXCL, os.O_CREAT])
def test_an_open_file_that_can_never_be_linked_is_copied(arena: Arena, flags: int) -> None:
    path = arena.here if flags & os.O_TMPFILE == os.O_TMPFILE else arena.here / "gone"
    arena.fd = os.open(path, flags | os.O_RDWR)
    if path != arena.here:
        path.unlink()
    os.write(arena.fd, NEW)
    publish_descriptor(arena.fd, arena.destination, overwrite=False)
    assert arena.destination.read_bytes() == NEW
    os.close(arena.fd)


def test_a_draft_without_proc_has_a_name(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    draft = open_draft(arena.destination)
    (hidden,) = arena.there.iterdir()
    assert hidden.name.startswith(".result.")
    assert hidden.name.endswith(".part")
    assert hidden.stat().st_mode & 0o777 == 0o600
    os.write(draft.fd, NEW)
    draft.commit()
    draft.close()
    assert content(arena.there) == {"result": NEW}


@pytest.mark.parametrize("number", sorted(drafts._NO_TMPFILE))
def test_a_draft_where_there_is_no_tmpfile(arena: Arena, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(number, "no")
        return real(path, flags, *arguments, **named)

    monkeypatch.setattr(os, "open", refuse)
    draft = open_draft(arena.destination)
    assert len(list(arena.there.iterdir())) == 1
    draft.close()
    assert list(arena.there.iterdir()) == []


@pytest.mark.parametrize("tmpfile", [True, False])
def test_a_hidden_name_that_is_taken_is_left_alone(
    arena: Arena, tmpfile: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = iter(["first", "second", "first", "second"])
    monkeypatch.setattr(names, "draw", lambda: next(taken))
    if not tmpfile:
        monkeypatch.setattr(drafts, "_TMPFILE", 0)
    (arena.there / ".result.first.part").write_bytes(b"another's")
    arena.destination.write_bytes(OLD)
    publish_draft(arena, overwrite=True)
    assert content(arena.there) == {".result.first.part": b"another's", "result": b""}


def test_a_hidden_directory_that_is_taken_is_left_alone(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter(["first", "second", "third"])
    monkeypatch.setattr(names, "draw", lambda: next(taken))
    monkeypatch.setattr(placing, "is_elsewhere", lambda *_: True)
    (arena.there / ".result.first.part").mkdir()
    make_tree(arena.source, NEW)
    publish(arena.source, arena.destination)
    assert sorted(os.listdir(arena.there)) == [".result.first.part", "result"]


@pytest.mark.parametrize("way", ["link and unlink", "named draft"])
def test_what_could_not_be_taken_back_is_told(arena: Arena, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "_TMPFILE", 0)
    make_file(arena.source, NEW)
    draft = open_draft(arena.destination)
    with monkeypatch.context() as patch, pytest.raises(CannotPublish) as caught:
        patch.setattr(os, "unlink", refusing(errno.EIO))
        if way == "named draft":
            patch.setattr(os, "fsync", refusing(errno.ENOSPC))
            draft.commit()
        else:
            publish(arena.source, arena.destination, overwrite=False)
    (note,) = caught.value.__notes__
    assert "could not remove the draft" in note if way == "named draft" else "second name, result, could not" in note
    draft.close()


def test_a_draft_is_nothing_until_it_is_committed(arena: Arena) -> None:
    draft = open_draft(arena.destination)
    os.write(draft.fd, NEW)
    assert list(arena.there.iterdir()) == []
    draft.discard()
    draft.discard()
    draft.close()
    draft.close()
    assert list(arena.there.iterdir()) == []


def test_a_draft_stays_open_after_its_commit(arena: Arena) -> None:
    draft = open_draft(arena.destination)
    with open(draft.fd, "w", closefd=False) as file:
        file.write("text")
        file.flush()
        assert draft.commit() == arena.destination
    assert os.pread(draft.fd, 10, 0) == b"text"
    draft.close()
    assert arena.destination.read_text() == "text"


def test_a_forked_child_does_not_discard_its_parents_draft(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    from .helpers import in_child

    monkeypatch.setattr(drafts, "_TMPFILE", 0)
    draft = open_draft(arena.destination)
    in_child(draft.close)
    draft.commit()
    draft.close()
    assert content(arena.there) == {"result": b""}


def test_a_folder_swapped_meanwhile_does_not_matter(arena: Arena) -> None:
    draft = open_draft(arena.destination)
    arena.there.rename(arena.here / "moved")
    arena.there.mkdir()
    draft.commit()
    draft.close()
    assert os.listdir(arena.here / "moved") == ["result"]
    assert os.listdir(arena.there) == []


def test_a_symlink_stays_and_what_it_leads_to_is_replaced(arena: Arena) -> None:
    make_file(arena.source, NEW)
    target = arena.here / "target"
    make_file(target, OLD, 0o604)
    arena.destination.symlink_to("second")
    (arena.there / "second").symlink_to(target)
    publish(arena.source, arena.destination)
    assert arena.destination.is_symlink()
    assert (arena.there / "second").is_symlink()
    assert target.read_bytes() == NEW
    assert target.stat().st_mode & 0o777 == 0o604


def test_a_dangling_symlink_is_written_through(arena: Arena) -> None:
    make_file(arena.source, NEW)
    arena.destination.symlink_to("../here/target")
    publish(arena.source, arena.destination)
    assert (arena.here / "target").read_bytes() == NEW
    assert arena.destination.is_symlink()


def test_a_directory_behind_a_symlink_is_replaced(arena: Arena) -> None:
    make_tree(arena.source, NEW)
    make_tree(arena.there / "target", OLD)
    arena.destination.symlink_to("target/")
    publish(arena.source, arena.destination)
    assert arena.destination.is_symlink()
    assert (arena.there / "target" / "file").read_bytes() == NEW


def test_two_links_of_one_file_become_one(arena: Arena) -> None:
    # the control: rename(2) does nothing to them
    make_file(arena.source, NEW)
    os.link(arena.source, arena.destination)
    os.rename(arena.source, arena.destination)
    assert arena.source.exists()
    publish(arena.source, arena.destination)
    assert not arena.source.exists()
    assert arena.destination.read_bytes() == NEW


def test_another_case_is_another_name(arena: Arena) -> None:
    make_file(arena.source, NEW)
    publish(arena.source, arena.here / "SOURCE")
    assert os.listdir(arena.here) == ["SOURCE"]


def test_a_directory_with_a_slash(arena: Arena) -> None:
    make_tree(arena.source, NEW)
    publish(f"{arena.source}/", f"{arena.destination}//")
    assert (arena.destination / "file").read_bytes() == NEW


def test_where_names_cannot_be_swapped_the_error_says_so(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tree(arena.source, NEW)
    make_tree(arena.destination, OLD)
    before = picture(arena.here), picture(arena.there)
    for number in (errno.EINVAL, errno.ENOSYS):
        monkeypatch.setattr(renaming, "_renameat2", lambda *_, number=number: number)
        with pytest.raises(CannotPublish, match=r"can't swap two names in one step; .*remove what is there") as caught:
            publish(arena.source, arena.destination)
        assert caught.value.errno == errno.EOPNOTSUPP
        assert caught.value.step == "rename"
        with pytest.raises(CannotPublish, match="can't rename without replacing"):
            publish(arena.source, arena.there / "another", overwrite=False)
        assert (picture(arena.here), picture(arena.there)) == before


def test_an_old_c_library_has_no_such_rename(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    assert renaming._renameat2(-1, "a", -1, "b", 0) == errno.ENOSYS


def test_a_tree_that_cannot_be_removed_whole_is_told(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    from scratchwork.system.trees import Removal

    removal = Removal()
    removal.failed("sub/file", PermissionError(errno.EPERM, "Operation not permitted"))
    monkeypatch.setattr(trees, "remove_in", lambda *_: removal)
    make_tree(arena.source, NEW)
    make_tree(arena.destination, OLD)
    with pytest.raises(
        CannotPublish, match=r"is in place here, but could not remove the old directory: sub/file: "
    ) as told:
        publish(arena.source, arena.destination)
    assert told.value.in_place
    assert told.value.errno == errno.EPERM
    (left,) = arena.here.iterdir()
    assert str(left) in str(told.value)
    assert (arena.destination / "file").read_bytes() == NEW


@pytest.mark.parametrize("across", [True, False])
def test_half_a_tree_is_never_found_under_the_sources_name(
    arena: Arena, across: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    real = trees.remove_in

    def watch(folder: Any, name: str) -> Any:
        assert not arena.source.exists() or name.startswith(".result.")
        assert content(arena.destination)["file"] == NEW
        removed.append(name)
        return real(folder, name)

    monkeypatch.setattr(trees, "remove_in", watch)
    monkeypatch.setattr(placing, "is_elsewhere", lambda *_: across)
    make_tree(arena.source, NEW)
    make_tree(arena.destination, OLD)
    publish(arena.source, arena.destination)
    assert len(removed) == (2 if across else 1)
    assert os.listdir(arena.here) == []


@pytest.mark.parametrize("name", list(SAME_DEVICE))
def test_syncs_before_and_after_or_not_at_all(place: Path, name: str) -> None:
    from .publishing_calls import Calls, counted

    calls = Calls()
    scenario = SAME_DEVICE[name]
    with laid_out(scenario, place, place) as arena, counted(calls):
        scenario.publish(arena)
    syncs = [at for at, call in enumerate(calls.names) if call == "fsync"]
    named = [at for at, call in enumerate(calls.names) if call in ("rename", "link", "unlink", "renameat2")]
    if "durable" in name or "draft, never" in name:
        assert syncs == []
        return
    placed = max(at for at in named if calls.names[at] != "unlink" or "twice" in name or "never" in name)
    if "directory" in name:
        placed = max(at for at in named if at < syncs[-1])
    assert len([at for at in syncs if at < placed]) >= (4 if "directory" in name else 1)
    assert len([at for at in syncs if at > placed]) == 1


def test_many_threads_publish_to_one_name(arena: Arena) -> None:
    def work(number: int) -> None:
        for _ in range(20):
            source = arena.here / str(number)
            make_file(source, bytes([number]) * 10_000)
            publish(source, arena.destination, durable=False)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(arena.destination.read_bytes())) == 1
    assert os.listdir(arena.there) == ["result"]
    assert os.listdir(arena.here) == []


def test_one_of_many_is_first_if_none_may_overwrite(arena: Arena) -> None:
    won: list[int] = []

    def work(number: int) -> None:
        source = arena.here / str(number)
        make_file(source, bytes([number]) * 10_000)
        try:
            publish(source, arena.destination, overwrite=False)
        except DestinationExists:
            return
        won.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = won
    assert arena.destination.read_bytes() == bytes([winner]) * 10_000
    assert len(os.listdir(arena.here)) == 7


def refusing(number: int) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return refuse
