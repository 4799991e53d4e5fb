"""Each thing that the async form can do, once, as somebody would: what the tests cancel, and watch."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import scratchwork
from scratchwork import aio


async def a_workspace(temp: Path) -> None:
    async with aio.workspace("label") as ws:
        await (ws / "file").write_text("content")


async def an_awaited_workspace(temp: Path) -> None:
    ws = await aio.workspace()
    try:
        await ws.usage()
        await ws.quota()
    finally:
        await ws.cleanup()


async def an_empty_workspace_with_a_quota(temp: Path) -> None:
    async with aio.workspace(quota="1 MB") as ws, ws.open("file", "wb") as file:
        await file.write(b"content")


async def a_watched_workspace(temp: Path) -> None:
    async with aio.workspace(quota="1 MB", enforce="watched") as ws:
        await (ws / "file").write_text("content")


async def an_anonymous_file(temp: Path) -> None:
    async with aio.TemporaryFile() as file:
        await file.write(b"content")
        await file.seek(0)
        assert await file.read() == b"content"


async def an_awaited_file(temp: Path) -> None:
    file = await aio.TemporaryFile("w+", encoding="utf-8")
    async with file:
        await file.write("content")
        await file.flush()


async def a_named_file(temp: Path) -> None:
    async with aio.NamedTemporaryFile("w", suffix=".txt", delete_on_close=False) as file:
        await file.write("content")
        await file.aclose()


async def a_spool(temp: Path) -> None:
    async with aio.SpooledTemporaryFile(20) as file:
        await file.write(b"content")
        await file.write(b"content" * 10)
        await file.seek(0)
        await file.read()


async def a_directory(temp: Path) -> None:
    async with aio.TemporaryDirectory() as name:
        assert isinstance(name, str)


async def an_awaited_directory(temp: Path) -> None:
    directory = await aio.TemporaryDirectory()
    await directory.cleanup()


async def made_by_hand(temp: Path) -> None:
    descriptor, path = await aio.mkstemp()
    os.close(descriptor)
    os.unlink(path)
    os.rmdir(await aio.mkdtemp())


async def a_handoff(temp: Path) -> None:
    async with aio.handoff({"a": 1}, suffix=".json") as path:
        assert await path.read_text() == '{"a": 1}'


async def a_streamed_handoff(temp: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with aio.handoff(chunks()) as path:
        assert await path.read_bytes() == b"onetwo"


async def a_handoff_in_memory(temp: Path) -> None:
    async with aio.handoff(b"secret", suffix=".key", memory=True) as path:
        assert await path.read_bytes() == b"secret"


async def a_path(temp: Path) -> None:
    async with aio.temp_path(".txt") as path:
        await path.write_text("content")


async def an_atomic_write(temp: Path) -> None:
    async with aio.workspace() as ws, aio.atomic_write(ws / "file", durable=False) as file:
        await file.write("content")


async def publishing(temp: Path) -> None:
    async with aio.workspace() as ws:
        await (ws / "file").write_text("content")
        await aio.publish(ws / "file", ws / "result", durable=False)


async def publishing_a_file(temp: Path) -> None:
    async with aio.workspace() as ws, aio.NamedTemporaryFile(dir=ws) as file:
        await file.write(b"content")
        await file.publish(ws / "result", durable=False)


async def a_command(temp: Path) -> None:
    async with aio.workspace() as ws:
        await ws.run(["sh", "-c", "cat; echo content > file"], input="x", stdout=subprocess.PIPE)


async def lending(temp: Path) -> None:
    async with aio.workspace() as ws:
        await (ws / "file").write_text("content")
        async with ws.lend("file") as loan:
            assert await loan.path.read_text() == "content"


async def merging(temp: Path) -> None:
    async with aio.workspace() as ws, aio.TemporaryFile() as part:
        await part.write(b"1")
        await (ws / "2").write_text("2")
        assert await (await ws.merge([part, "2"], "all")).read_text() == "12"


async def attaching(temp: Path) -> None:
    async with aio.workspace() as ws, aio.Workspace.attach(ws) as attached:
        assert attached.name == ws.name


async def a_root(temp: Path) -> None:
    root = aio.Root("app", temp)
    async with root.workspace(keep="never") as ws:
        assert len(await root.workspaces()) == 1
        await root.usage_of(ws.name)
        await root.limits_of(ws.name)
    await root.usage()
    await root.history()
    await root.sweep()


async def keeping_and_removing(temp: Path) -> None:
    root = aio.Root("app", temp)
    try:
        async with root.workspace() as ws:
            await (ws / "file").write_text("content")
            await ws.keep("to look at")
        await root.remove(ws.name)
    finally:
        sync = scratchwork.Root("app", temp)
        for found in sync.workspaces():  # it was kept, and the rest cancelled
            sync.remove(found.name)


SCENARIOS: dict[str, Callable[[Path], Awaitable[None]]] = {
    scenario.__name__: scenario
    for scenario in (
        a_workspace,
        an_awaited_workspace,
        an_empty_workspace_with_a_quota,
        a_watched_workspace,
        an_anonymous_file,
        an_awaited_file,
        a_named_file,
        a_spool,
        a_directory,
        an_awaited_directory,
        made_by_hand,
        a_handoff,
        a_streamed_handoff,
        a_handoff_in_memory,
        a_path,
        an_atomic_write,
        publishing,
        publishing_a_file,
        a_command,
        lending,
        merging,
        attaching,
        a_root,
        keeping_and_removing,
    )
}
