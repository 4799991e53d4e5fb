"""How much memory this process could still get, for what lives in memory: a tmpfs."""

from __future__ import annotations

from scratchwork.system.facts import Fact

_CGROUP = "/sys/fs/cgroup"


class Memory(Fact):
    """Bytes of memory: in all, available without swapping, and of swap in all and free."""

    __slots__ = ("available", "free_swap", "total", "total_swap")

    def __init__(self, total: int, available: int, total_swap: int, free_swap: int) -> None:
        self.total = total
        self.available = available
        self.total_swap = total_swap
        self.free_swap = free_swap


def memory() -> Memory | None:
    """Return what there is, within the limits of our control groups; None where /proc/meminfo is not (proc(5))."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in file}
        found = Memory(fields["MemTotal"], fields["MemAvailable"], fields["SwapTotal"], fields["SwapFree"])
    except (OSError, ValueError, KeyError, IndexError):
        return None
    for limit, used in _limits():
        found.total = min(found.total, limit)
        found.available = min(found.available, max(0, limit - used))
    return found


def _limits() -> list[tuple[int, int]]:
    """Return (limit, used) of each control group that we are in, of either version (cgroups(7))."""
    found = []
    for path, limit, used in _groups():
        try:
            found.append((_number(f"{path}/{limit}"), _number(f"{path}/{used}")))
        except (OSError, ValueError):  # not there, or 'max'
            continue
    return found


def _groups() -> list[tuple[str, str, str]]:
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return []
    found = []
    for _, controllers, group in lines:
        parts = [part for part in group.split("/") if part and part != ".."]
        for depth in range(len(parts) + 1):
            below = "".join(f"/{part}" for part in parts[:depth])
            if controllers == "":
                found.append((f"{_CGROUP}{below}", "memory.max", "memory.current"))
            elif "memory" in controllers.split(","):
                found.append((f"{_CGROUP}/memory{below}", "memory.limit_in_bytes", "memory.usage_in_bytes"))
    return found


def _number(path: str) -> int:
    with open(path, encoding="ascii") as file:
        return int(file.read())
