from __future__ import annotations

import os
import threading

from scratchwork.system import names


def test_they_never_repeat_also_in_threads() -> None:
    drawn: list[str] = []

    def work() -> None:
        drawn.extend([names.draw() for _ in range(20_000)])

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(drawn)) == 100_000
    assert {len(name) for name in drawn} == {names.LENGTH}
    assert set("".join(drawn)) == set(names.ALPHABET)


def _drawn_in_child(count: int, *, keep_batch: bool = False) -> set[str]:
    reader, writer = os.pipe()
    batch = list(names._drawn[names.LENGTH])
    if os.fork() == 0:
        if keep_batch:
            names._drawn[names.LENGTH] = batch
        os.write(writer, " ".join(names.draw() for _ in range(count)).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as text:
        found = set(text.read().split())
    os.wait()
    return found


def test_a_forked_child_draws_others() -> None:
    names.draw()
    child = _drawn_in_child(300)
    assert len(child) == 300
    assert child.isdisjoint({names.draw() for _ in range(300)})


def test_control_a_child_that_keeps_its_parents_batch_repeats_it() -> None:
    names.draw()
    child = _drawn_in_child(100, keep_batch=True)
    assert not child.isdisjoint({names.draw() for _ in range(100)})
