"""Strategies by the names of their entry points."""

import importlib.metadata
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
        return stevedore.DriverManager(NAMESPACE, _spelled(name)).driver
    except Exception as error:
        raise ConfigError(
            f'[numa_sched] fit_strategy names {name!r}, which cannot be '
            f'used: {error}. Choose among the entry points of {NAMESPACE}.'
        ) from error


def _spelled(name):
    """Give the name of an entry point as it is spelled, case apart."""
    known = importlib.metadata.entry_points(group=NAMESPACE).names
    alike = {each for each in known if each.lower() == name.lower()}
    return alike.pop() if len(alike) == 1 else name
