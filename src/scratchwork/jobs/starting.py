"""Running a job, where that works."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from scratchwork.jobs.job import Job

    def run(job: Job) -> int:
        """Say that it does not work here."""
        del job
        sys.stderr.write("scratch: 'run' works on Linux and macOS only; in a program use scratchwork.install()\n")
        return 125

else:
    from scratchwork.jobs.running import run

__all__ = ["run"]
