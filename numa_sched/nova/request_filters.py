"""Request filters: what is asked of placement before any host is looked at."""

import functools
import threading

import nova.conf
from nova import exception
from nova.scheduler import request_filter
from oslo_log import log as logging

from numa_sched import policy
from numa_sched.nova import source

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

_INSTALLING = threading.Lock()


def install(filters):
    """Have nova-scheduler run request filters; more than once is fine.

    They run right before ``isolate_aggregates``, which is replaced by ours:
    it must know the traits that they ask for.

    :param filters: callables like those of ``nova.scheduler.request_filter``
    """
    with _INSTALLING:
        installed = request_filter.ALL_REQUEST_FILTERS
        if request_filter.isolate_aggregates in installed:
            place = installed.index(request_filter.isolate_aggregates)
            installed[place] = isolate_aggregates
        place = (
            installed.index(isolate_aggregates)
            if isolate_aggregates in installed
            else len(installed)
        )
        installed[place:place] = [
            each for each in filters if each not in installed
        ]


def live_migration_policy(context, request_spec):
    """Require the traits that the server's live-migration policy asks for.

    :returns: whether anything was required
    :raises RequestFilterFailed: if a server that is being created has wishes
        that cannot be met together or cannot be read
    """
    extra_specs = request_spec.flavor.extra_specs
    found = _read_source(context, request_spec, extra_specs)
    wanted, errors = policy.examine(extra_specs, found.image_properties)
    if errors:
        _report(errors, request_spec, is_new=found.is_new)
    for trait in sorted(wanted.required_traits):
        request_spec.root_required.add(trait)
        LOG.debug(
            'Server %(server)s requires the trait %(trait)s',
            {'server': request_spec.instance_uuid, 'trait': trait},
        )
    return bool(wanted.required_traits)


def _read_source(context, request_spec, extra_specs):
    """Give the image properties, reading only where they can matter."""
    is_move = source.is_move(request_spec)
    unread = source.Source({}, is_new=not is_move)
    if not CONF.numa_sched.image_wishes:
        return unread
    if not is_move and policy.examine(extra_specs, {})[1]:
        return unread  # refused whatever the image says
    try:
        return source.read(context, request_spec)
    except Exception as error:
        if not is_move:
            raise exception.RequestFilterFailed(
                reason=f'The image properties of server '
                f'{request_spec.instance_uuid} cannot be read: {error}'
            ) from error
        LOG.warning(
            'The image properties of server %(server)s cannot be read, so '
            'only its flavor says how it may be live-migrated: %(error)s',
            {'server': request_spec.instance_uuid, 'error': error},
        )
        return unread


def _report(errors, request_spec, *, is_new):
    why = '; '.join(map(str, errors))
    if is_new:
        raise exception.RequestFilterFailed(reason=why)
    LOG.warning(
        'Server %(server)s is scheduled as if these live-migration wishes '
        'had not been made: %(why)s',
        {'server': request_spec.instance_uuid, 'why': why},
    )


@functools.wraps(request_filter.isolate_aggregates)
def isolate_aggregates(context, request_spec):
    """Keep servers out of aggregates whose traits they do not require.

    Nova's own looks at ``trait:`` keys of flavor and image only, and would
    keep the servers that require one of our traits out of the very
    aggregates that are isolated for them. So it gets to see a copy of the
    request in which the flavor requires our traits too.
    """
    traits = policy.TRAITS & request_spec.root_required
    if not traits or not CONF.scheduler.enable_isolated_aggregate_filtering:
        return request_filter.isolate_aggregates(context, request_spec)
    shown = request_spec.obj_clone()
    shown.flavor.extra_specs = {
        **shown.flavor.extra_specs,
        **{f'trait:{trait}': 'required' for trait in traits},
    }
    result = request_filter.isolate_aggregates(context, shown)
    if 'requested_destination' in shown:
        request_spec.requested_destination = shown.requested_destination
    return result
