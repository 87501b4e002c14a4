"""How long a search may take."""

import time
from collections.abc import Callable


class OutOfTime(Exception):  # noqa: N818 (not an error)
    """The time that a search may take is up."""


class Deadline:
    """A time of a clock, from which on a search ends."""

    def __init__(
        self, seconds: float, clock: Callable[[], float] = time.monotonic
    ):
        """Begin now; ``clock`` gives seconds and does not go back."""
        self._clock, self._end = clock, clock() + seconds

    def check(self) -> None:
        """Do nothing as long as there is time.

        :raises OutOfTime: when it is up
        """
        if self._clock() >= self._end:
            raise OutOfTime
