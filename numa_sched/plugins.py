"""What entry points name: ours and anybody's."""

import importlib.metadata
from collections.abc import Callable

import stevedore
from oslo_log import log as logging

from numa_sched.exceptions import ConfigError
from numa_sched.score import Mix, Strategy, combined

LOG = logging.getLogger(__name__)

STRATEGIES = 'numa_sched.fit_strategies'


def load_all(namespace: str) -> list[object]:
    """Give what the entry points of a namespace name, sorted by name.

    One that fails to load is left out, with an error in the log.
    """
    extensions = stevedore.ExtensionManager(
        namespace, on_load_failure_callback=_report_failure
    )
    return [each.plugin for each in sorted(extensions, key=lambda e: e.name)]


def _report_failure(
    manager: 'stevedore.ExtensionManager[object]',
    entry_point: importlib.metadata.EntryPoint,
    error: BaseException,
) -> None:
    LOG.error(
        'The plugin %(name)s = %(value)s of %(namespace)s cannot be loaded '
        'and is left out: %(error)s',
        {
            'name': entry_point.name,
            'value': entry_point.value,
            'namespace': manager.namespace,
            'error': error,
        },
    )


def strategies() -> tuple[str, ...]:
    """Give the names of the strategies of this package, sorted."""
    return tuple(
        sorted(
            each.name
            for each in importlib.metadata.entry_points(group=STRATEGIES)
            if each.value.startswith('numa_sched.')
        )
    )


def strategy(option: str) -> Callable[[Mix], Strategy]:
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


def _load(name: str) -> type[Strategy]:
    try:
        found: stevedore.DriverManager[Strategy] = stevedore.DriverManager(
            STRATEGIES, _spelled(name)
        )
        return found.extensions[0].plugin
    except Exception as error:
        raise ConfigError(
            f'[numa_sched] fit_strategy names {name!r}, which cannot be '
            f'used: {error}. Choose among the entry points of {STRATEGIES}.'
        ) from error


def _spelled(name: str) -> str:
    """Give the name of an entry point as it is spelled, case apart."""
    known = importlib.metadata.entry_points(group=STRATEGIES).names
    alike = {each for each in known if each.lower() == name.lower()}
    return alike.pop() if len(alike) == 1 else name
