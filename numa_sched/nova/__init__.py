"""Where the package meets Nova, and the only place that imports it.

``all_filters`` and ``all_weighers`` are what an operator names in
``[filter_scheduler]``.
"""

import nova.conf
import stevedore
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

# nova-api imports this package for its extra spec validators, and would not
# start if that failed.
try:
    from numa_sched import conf

    conf.register_opts(nova.conf.CONF)
except Exception:
    LOG.exception('The options of numa_sched cannot be registered')


def all_filters():
    """Give all host filter classes, and install the request filters.

    Named in ``[filter_scheduler] available_filters``. Nova calls this once
    when nova-scheduler starts.

    :raises ConfigError: if an option has a bad value, so that the start ends
    """
    from numa_sched import conf
    from numa_sched.nova import demand, request_filters

    conf.settings(nova.conf.CONF)
    demand.of_this_process()
    request_filters.install(_plugins('numa_sched.request_filters'))
    return _plugins('numa_sched.host_filters')


def all_weighers():
    """Give all host weigher classes.

    Named in ``[filter_scheduler] weight_classes``.

    :raises ConfigError: if an option has a bad value, so that the start ends
    """
    from numa_sched import conf
    from numa_sched.nova import demand, strategies

    settings = conf.settings(nova.conf.CONF)
    strategies.load(settings.fit_strategy)
    demand.of_this_process()
    return _plugins('numa_sched.host_weighers')


def settings_or_defaults():
    """Give the settings; a bad value counts as not set, with one error logged.

    For nova-api and nova-compute, which start whatever our options are.
    """
    from numa_sched import conf

    settings, wrong = conf.settings_or_defaults(nova.conf.CONF)
    if wrong:
        LOG.error('Bad options: %s', '; '.join(wrong))
    return settings


def _plugins(namespace):
    """Give what the entry points of a namespace name, sorted by name.

    One that fails to load is left out, with an error in the log.
    """
    extensions = stevedore.ExtensionManager(
        namespace, on_load_failure_callback=_report_failure
    )
    return [each.plugin for each in sorted(extensions, key=lambda e: e.name)]


def _report_failure(manager, entry_point, error):
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
