"""Other programs, threads and tasks: what they are given, and how long they may read it."""

from __future__ import annotations

import ast

from scratchwork.advice.lint.following.calls import Call, function, hand_on, keep_reading, unknown, use
from scratchwork.advice.lint.following.expressions import mentioned
from scratchwork.advice.lint.following.streams import write_all
from scratchwork.advice.lint.following.values import Value, Values, of, whole


@function(
    "subprocess.run",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "os.system",
    "os.popen",
)
def _run(made: Call) -> Values:
    _command(made)
    return ()


@function("subprocess.Popen", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell")
def _start(made: Call) -> Values:
    folders = whole(made.keywords.get("cwd", ()), "path")
    working = tuple(Value("reader", value.resource) for value in folders if value.resource is not None)
    return keep_reading(made, _command(made) + working)


def _command(made: Call) -> Values:
    words = _words(made)
    values = tuple(value for one in made.arguments for value in one) + made.keywords.get("args", ())
    made.flow.tell("command", made.node, values=values, how=words)
    use(made, made.keywords.get("cwd", ()), "use")
    for value in of(values, "path"):
        if value.resource is not None and words.startswith(("rm ", "rm\t", "rmdir ", "sudo rm ")):
            made.flow.remove(value.resource, made.node, "rm")
    readers = hand_on(made, values)
    made.flow.may_raise(made.node)
    for value in whole(made.keywords.get("stdin", ()), "file"):
        if value.resource is not None:
            made.flow.read(value.resource, made.node)
    for output in ("stdout", "stderr"):
        write_all(made, made.keywords.get(output, ()), is_buffered=False, is_ascii=True)  # bytes, of the program's
    for value in of(made.all, "file"):
        if value.resource is not None:
            made.flow.life(value.resource).uses.add("given to a program")
    return readers


def _words(made: Call) -> str:
    source = made.source(0, "args")
    if source is None:
        return ""
    return " ".join(
        one.value for one in ast.walk(source) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    )


@function("asyncio.create_task", "asyncio.ensure_future")
def _spawn(made: Call) -> Values:
    values = tuple(value for one in made.node.args for value in mentioned(made.flow, one))
    return keep_reading(
        made, tuple(Value("reader", one.resource.made) for one in of(values, "path", "below") if one.resource)
    )


@function("threading.Thread", "multiprocessing.Process")
def _thread(made: Call) -> Values:
    return keep_reading(made, hand_on(made, made.keywords.get("args", ())))


@function("asyncio.to_thread", "asyncio.gather", "asyncio.wait", "asyncio.wait_for", "asyncio.run")
def _waited_for(made: Call) -> Values:
    made.flow.may_raise(made.node)
    made.flow.finish(made.all)
    unknown(made)
    return of(made.all, "reader")


@function("concurrent.futures.wait", "concurrent.futures.as_completed", "os.waitpid", "os.wait")
def _wait(made: Call) -> Values:
    made.flow.finish(made.all)
    made.flow.finish_all()
    return ()


@function("sys.exit", "os._exit", "pytest.skip", "pytest.fail", "exit", "quit")
def _exit(made: Call) -> Values:
    made.flow.may_raise(made.node)
    made.flow.stop()
    return ()
