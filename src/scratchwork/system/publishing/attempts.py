"""Saying which step of a publishing failed."""

from __future__ import annotations

from scratchwork.errors import CannotPublish, DestinationExists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_NAMING = frozenset({"link", "rename"})


class Attempt:
    """One publishing under way: what goes where, so that whatever fails can say so. Steps and refusals are its."""

    __slots__ = ("destination", "source")

    def __init__(self, source: str | None, destination: str) -> None:
        self.source = source
        self.destination = destination

    def step(self, name: str, *, in_place: bool = False, advice: str = "") -> Step:
        """Return a context in which an OSError becomes a CannotPublish that names the step."""
        return Step(self, name, in_place, advice)

    def refusal(self, number: int, why: str, advice: str) -> CannotPublish:
        """Return the error for what is not to be published at all, before anything was changed."""
        return CannotPublish(self.destination, self.source, "check", OSError(number, why), advice=advice)

    def exists(self) -> DestinationExists:
        """Return the error for a destination that was there all along."""
        return DestinationExists(self.destination, self.source, "check")


class Step:
    """A part of an attempt. Passes a CannotPublish on, and what is no OSError."""

    __slots__ = ("advice", "attempt", "in_place", "name")

    def __init__(self, attempt: Attempt, name: str, in_place: bool, advice: str) -> None:  # noqa: FBT001 - private
        self.attempt = attempt
        self.name = name
        self.in_place = in_place
        self.advice = advice

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, OSError) or isinstance(error, CannotPublish):
            return
        source, destination = self.attempt.source, self.attempt.destination
        if isinstance(error, FileExistsError) and self.name in _NAMING:
            raise DestinationExists(destination, source, self.name) from error
        raise CannotPublish(
            destination, source, self.name, error, in_place=self.in_place, advice=self.advice
        ) from error
