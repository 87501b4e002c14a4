"""Strategies by the names of their entry points."""

from collections.abc import Callable

import stevedore

from numa_sched.exceptions import ConfigError
from numa_sched.score import Mix, Strategy, combined

NAMESPACE = 'numa_sched.fit_strategies'


def load(option: str) -> Callable[[Mix], Strategy]:
    """Give what makes the strategy that an option names, from a mix.

    :param option: ``[numa_sched] fit_strategy``
    :raises ConfigError: if it names what there is not, or cannot be loaded
    """
    wanted = combined.parse(option)
    made = [(_load(name), weight) for name, weight in wanted.items()]
    if len(made) == 1:
        return made[0][0]
    return lambda mix: combined.Combined(
        [(make(mix), weight) for make, weight in made]
    )


def _load(name):
    try:
        return stevedore.DriverManager(NAMESPACE, name).driver
    except Exception as error:
        raise ConfigError(
            f'[numa_sched] fit_strategy names {name!r}, which cannot be '
            f'used: {error}. Choose among the entry points of {NAMESPACE}.'
        ) from error
