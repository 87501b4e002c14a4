"""What this scheduler worker is asked for."""

import functools
import time
from collections.abc import Callable

import nova.conf

from numa_sched.history.mix import START, LearnedMix, from_options
from numa_sched.score import Mix
from numa_sched.topology import Guest

CONF = nova.conf.CONF


class Demand:
    """A mix of guests that is learned as time goes by."""

    def __init__(
        self, mix: LearnedMix, clock: Callable[[], float] = time.time
    ):
        """Take a mix and what gives the time in seconds."""
        self._mix, self._clock = mix, clock

    def saw(
        self, guest: Guest, server: str, project: str | None = None
    ) -> None:
        """Learn of the request for a server of a project, if that is told."""
        self._mix.saw(guest, server, self._clock(), project)

    def mix(self) -> Mix:
        """Give the mix, the same object unless it has changed enough."""
        return self._mix.get(self._clock())


@functools.cache
def of_this_process() -> Demand:
    """Give what filter and weigher share; begins as the configuration says.

    :raises ConfigError: if ``[numa_sched] fit_mix`` makes no sense
    """
    return Demand(
        LearnedMix(
            from_options(CONF.numa_sched.fit_mix or ()) or START,
            CONF.numa_sched.fit_mix_half_life,
        )
    )
