"""What a command line says, as far as it is written into the source."""

from __future__ import annotations

import ast
import re

from scratchwork.advice.lint.following.events import Event

_ELSEWHERE = re.compile(
    r"\s*(?:sudo\s+)?(?:\S*/)?(?:ssh|scp|docker\S*|podman|nerdctl|kubectl|oc|adb|vagrant|lxc|incus|multipass|chroot|nsenter"
    r"|bwrap|singularity|apptainer|heroku|gcloud|aws|psql|ansible)\b"
)
"""Programs that run something on another machine, or with another /tmp."""
_SHELL = re.compile(r"(?:sudo )?(?:/\S*/)?(?:env )?(?:ba|da|z|k)?sh -\w*c ")
_PROGRAM = re.compile(r"(?:sudo )?(?:/\S*/)?(?:find|chmod) ")  # not rm: without a shell, a pattern is a plain name


def shell_command(event: Event) -> str:
    """Return what this machine's shell gets to run; "" if it is none, or somewhere else."""
    return "" if _is_list(event) and not _SHELL.match(event.how) else command(event)


def command(event: Event) -> str:
    """Return the command; "" if it does not run on this machine, or if it can't be told what program it is."""
    is_known = not _is_list(event) or _SHELL.match(event.how) or _PROGRAM.match(event.how)
    return event.how if is_known and not _ELSEWHERE.match(event.how) else ""


def _is_list(event: Event) -> bool:
    arguments = event.node.args if isinstance(event.node, ast.Call) else []
    return bool(arguments) and isinstance(arguments[0], (ast.List, ast.Tuple))
