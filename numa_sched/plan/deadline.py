"""How long a search may take."""

import time
from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Is told what is counted, how much of it is done, and how much there is."""

Clock = Callable[[], float]

TOLD_EVERY_S = 0.2


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody how far a plan is."""


class OutOfTime(Exception):  # noqa: N818 (not an error)
    """The time that a search may take is up."""


class Deadline:
    """A time of a clock, from which on a search ends."""

    def __init__(
        self,
        seconds: float,
        progress: Progress = silent,
        clock: Clock = time.monotonic,
    ):
        """Begin now; ``clock`` gives seconds and does not go back."""
        self._clock, self._progress = clock, progress
        self._begin = self._told = clock()
        self._seconds = seconds

    def check(self) -> None:
        """Tell how far it is, as long as there is time.

        :raises OutOfTime: when it is up
        """
        now = self._clock()
        if now - self._begin >= self._seconds:
            raise OutOfTime
        if now - self._told >= TOLD_EVERY_S:
            self._told = now
            self._progress(
                'seconds', int(now - self._begin), int(self._seconds)
            )
