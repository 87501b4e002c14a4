"""Request filters: what is asked of placement before any host is looked at."""

import functools
import threading
from collections.abc import Iterable, Mapping, Sequence

import nova.conf
from nova import exception
from nova.scheduler import request_filter
from oslo_log import log as logging

from numa_sched import policy
from numa_sched.exceptions import PolicyError
from numa_sched.nova.scheduler import source, word
from numa_sched.policy import verdict
from numa_sched.policy.verdict import Change, Wishes

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

_INSTALLING = threading.Lock()


def install(filters: Iterable[object]) -> None:
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


def live_migration_policy(context, request_spec) -> bool:
    """Require the traits that the server's live-migration policy asks for.

    :returns: whether anything was required
    :raises RequestFilterFailed: if the request brings in wishes that cannot
        be met together, for a server that is being created or resized, or if
        those of a server that is being created cannot be read
    """
    try:
        return _require(context, request_spec)
    except exception.RequestFilterFailed as error:
        word.of_this_process().refused(request_spec, error.kwargs['reason'])
        raise


def _require(context, request_spec) -> bool:
    extra_specs = request_spec.flavor.extra_specs
    found = _read_source(context, request_spec, extra_specs)
    wanted, errors = policy.examine(extra_specs, found.image_properties)
    if errors:
        _report(errors, request_spec, found)
    for trait in sorted(wanted.required_traits):
        request_spec.root_required.add(trait)
    tell_requirements(
        request_spec, wanted, extra_specs, found.image_properties
    )
    return bool(wanted.required_traits)


def tell_requirements(
    request_spec,
    wanted: policy.LiveMigrationPolicy,
    extra_specs: Mapping[str, object],
    image_properties: Mapping[str, object],
) -> None:
    """Tell once for a request which traits it requires and who says so.

    Where no host has them, Nova tells of insufficient resources only.
    """
    required = policy.requirements(wanted, extra_specs, image_properties)
    if required:
        LOG.info(
            'Server %(server)s requires a host with the trait %(required)s',
            {
                'server': request_spec.instance_uuid,
                'required': '; '.join(required),
            },
        )


def _read_source(
    context, request_spec, extra_specs: Mapping[str, object]
) -> source.Source:
    """Give the wishes outside the request, read only where they can matter."""
    is_move = source.is_move(request_spec)
    unread = source.Source({}, None if is_move else Wishes())
    with_images = CONF.numa_sched.image_wishes
    is_wrong = bool(policy.examine(extra_specs, {})[1])
    # A new server whose flavor is wrong is refused whatever the image says.
    # Of one that exists it is to be told whether a resize brings that in.
    if (is_wrong and not is_move) or not (is_wrong or with_images):
        return unread
    try:
        found = source.read(context, request_spec)
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
    return found if with_images else found.without_image()


def _report(
    errors: Sequence[PolicyError], request_spec, found: source.Source
) -> None:
    """Refuse what a request brings in, and warn of what was there before."""
    refused: Sequence[PolicyError] = ()
    if found.before is not None:
        after = Wishes(request_spec.flavor.extra_specs, found.image_properties)
        refused = verdict.refusals(
            Change(request_spec.instance_uuid, found.before, after)
        )
    if refused:
        why = '; '.join(map(str, refused))
        LOG.info(
            'Server %(server)s is refused: %(why)s',
            {'server': request_spec.instance_uuid, 'why': why},
        )
        raise exception.RequestFilterFailed(reason=why)
    warn_of(errors, request_spec)


def warn_of(errors: Sequence[PolicyError], request_spec) -> None:
    """Warn of wishes that do not count, as they cannot be met together."""
    LOG.warning(
        'Server %(server)s is scheduled as if these live-migration wishes '
        'had not been made: %(why)s',
        {
            'server': request_spec.instance_uuid,
            'why': '; '.join(map(str, errors)),
        },
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
