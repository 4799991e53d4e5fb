from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scratchwork import Root, UntrustedRoot
from scratchwork.roots import store
from tests.roots import deaths

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as another user")


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o720, 0o702, 0o777, 0o1777, 0o750])
def test_open_to_others_it_is_refused_and_nothing_in_it_touched(temp: Path, mode: int) -> None:
    (path,) = deaths.leave("app")
    place = Path(path).parent
    place.chmod(mode)
    openings: list[Callable[[], Root]] = [lambda: Root("app"), lambda: Root.at(place, sweep_first=True)]
    for opening in openings:
        with pytest.raises(UntrustedRoot, match="others may enter it") as caught:
            opening()
        assert caught.value.filename == str(place)
        assert isinstance(caught.value, PermissionError)
    assert Path(path, "file").exists()
    place.chmod(0o700)


def test_a_symlink_to_a_good_one_is_refused_too(temp: Path) -> None:
    good = Path(Root("app").path)
    place = Path(store.root_path("other", None))
    place.symlink_to(good)
    with pytest.raises(UntrustedRoot, match="it is a symlink"):
        Root("other")
    place.unlink()
    place.symlink_to(temp / "nowhere")
    with pytest.raises(UntrustedRoot, match="it is a symlink"):
        Root("other")
    assert not (temp / "nowhere").exists()


def test_none_that_is_there_none_is_made_by_its_path(temp: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Root.at(temp / "none")
    assert list(temp.iterdir()) == []


@needs_root
def test_control_without_the_refusal_another_user_removes_what_is_alive(
    temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(store.root_path("app", None))
    place.mkdir()
    temp.chmod(0o711)
    place.chmod(0o777)
    with pytest.raises(UntrustedRoot):
        Root("app")
    monkeypatch.setattr(store, "_refuse", lambda *_: None)
    with Root("app").workspace() as ws:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.seteuid(65534)
                os.rmdir(ws)
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
        assert not ws.path.exists()
