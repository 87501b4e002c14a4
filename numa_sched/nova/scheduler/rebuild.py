"""Whether a server may be rebuilt with another image where it is.

Nova asks the scheduler about that, but neither request filters nor placement:
the server stays on its host and keeps what it has there. What Nova does for
the traits that an image names by itself
(``ComputeTaskManager._validate_image_traits_for_rebuild``) is done here for
those that its wishes about live migration stand for.
"""

from collections.abc import Set
from typing import Any

import nova.conf
from nova import context as nova_context
from nova import exception
from nova.scheduler.client import report
from oslo_log import log as logging

from numa_sched import policy
from numa_sched.nova import images
from numa_sched.nova.scheduler import request_filters, source
from numa_sched.policy import verdict
from numa_sched.policy.verdict import Change, Wishes

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)


def check(host_states, request_spec) -> list[Any]:
    """Give the host states, of which there is one: that of the server.

    :param request_spec: one of a rebuild, as Nova marks it
    :raises NoValidHost: if the image brings in a wish that contradicts
        another one, or one that the host cannot meet. That is how the user
        learns why; of a host that is dropped he would not.
    """
    host_states = list(host_states)
    server = request_spec.instance_uuid
    try:
        if CONF.numa_sched.image_wishes and _is_bound(request_spec):
            _check_wishes(host_states, request_spec)
    except _RefusedError as refusal:
        LOG.info(
            'Server %(server)s is refused: %(why)s',
            {'server': server, 'why': refusal},
        )
        raise exception.NoValidHost(reason=str(refusal)) from None
    return host_states


class _RefusedError(Exception):
    """A rebuild is not to be; the text is for the user."""


def _is_bound(request_spec) -> bool:
    """Whether Nova has named the host, as it does for every rebuild."""
    return 'force_hosts' in request_spec and bool(request_spec.force_hosts)


def _check_wishes(host_states, request_spec) -> None:
    context = nova_context.get_admin_context()
    try:
        server = source.instance(context, request_spec, *source.WITH_WISHES)
        # By now it has the properties of the new image, and no others.
        extra_specs = server.flavor.extra_specs
        properties = images.properties(server)
    except source.GONE:
        return
    except Exception as error:
        raise _RefusedError(
            f'The properties of the image cannot be read: {error}'
        ) from error
    change = Change(
        server.uuid, Wishes(extra_specs), Wishes(extra_specs, properties)
    )
    refused = verdict.refusals(change)
    if refused:
        raise _RefusedError('; '.join(map(str, refused)))
    wanted, errors = policy.examine(extra_specs, properties)
    if errors:
        request_filters.warn_of(errors, request_spec)
    request_filters.tell_requirements(
        request_spec, wanted, extra_specs, properties
    )
    required = verdict.gained_traits(change)
    for host_state in host_states if required else ():
        lacking = required - _traits(context, host_state)
        errors = verdict.lacking(change, lacking)
        if errors:
            raise _RefusedError('; '.join(map(str, errors)))


def _traits(context, host_state) -> Set[str]:
    try:
        found = report.report_client_singleton().get_provider_traits(
            context, host_state.uuid
        )
    except Exception as error:
        LOG.warning(
            'The traits of host %(host)s, node %(node)s cannot be read from '
            'placement: %(error)s',
            {
                'host': host_state.host,
                'node': host_state.nodename,
                'error': error,
            },
        )
        raise _RefusedError(
            'The image asks for a way of live migration, and whether the '
            'host of the server is capable of it cannot be read'
        ) from error
    return found.traits
