"""The mix of guests that this scheduler worker is asked for."""

import functools

import nova.conf

from numa_sched.score.mix import START, LearnedMix, from_options

CONF = nova.conf.CONF


@functools.cache
def of_this_process() -> LearnedMix:
    """Give the mix, which began with what the configuration says.

    :raises ConfigError: if ``[numa_sched] fit_mix`` makes no sense
    """
    return LearnedMix(
        from_options(CONF.numa_sched.fit_mix or ()) or START,
        CONF.numa_sched.fit_mix_half_life,
    )
