from tests.helpers_processes import on_terminal, scratch

__all__ = ["on_terminal", "scratch"]
