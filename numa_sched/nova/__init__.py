"""Where the package meets Nova, and the only place that imports it.

``all_filters`` and ``all_weighers`` are what an operator names in
``[filter_scheduler]``.
"""

import typing

import nova.conf
from oslo_log import log as logging

if typing.TYPE_CHECKING:
    from numa_sched import settings

LOG = logging.getLogger(__name__)

# nova-api imports this package for its extra spec validators, and would not
# start if that failed.
try:
    from numa_sched import conf

    conf.register_opts(nova.conf.CONF)
except Exception:
    LOG.exception('The options of numa_sched cannot be registered')


def all_filters() -> list[object]:
    """Give all host filter classes, and install the request filters.

    Named in ``[filter_scheduler] available_filters``. Nova calls this once
    when nova-scheduler starts.

    :raises ConfigError: if an option has a bad value, so that the start ends
    """
    from numa_sched import plugins, settings
    from numa_sched.nova import releases, unread
    from numa_sched.nova.scheduler import (
        collector,
        demand,
        request_filters,
        word,
    )

    found = settings.read(nova.conf.CONF)
    if found.lazy_topologies:
        unread.install()
    releases.is_tested_here()
    demand.of_this_process()
    word.listen()
    request_filters.install(plugins.load_all('numa_sched.request_filters'))
    filters = plugins.load_all('numa_sched.host_filters')
    collector.look_after(found.collect_after)
    return filters


def all_weighers() -> list[object]:
    """Give all host weigher classes.

    Named in ``[filter_scheduler] weight_classes``.

    :raises ConfigError: if an option has a bad value, so that the start ends
    """
    from numa_sched import plugins, settings
    from numa_sched.nova.scheduler import demand

    found = settings.read(nova.conf.CONF)
    plugins.strategy(found.fit_strategy)
    demand.of_this_process()
    return plugins.load_all('numa_sched.host_weighers')


def settings_or_defaults() -> 'settings.Settings':
    """Give the settings; a bad value counts as not set, with one error logged.

    For nova-api and nova-compute, which start whatever our options are.
    """
    from numa_sched import settings

    found, wrong = settings.read_or_defaults(nova.conf.CONF)
    if wrong:
        LOG.error('Bad options: %s', '; '.join(wrong))
    return found
