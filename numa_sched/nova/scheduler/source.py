"""Where a server's wishes stand: its image properties, outside the request.

Nova keeps only the image properties that it knows in a request. The others
are in the server's system metadata: of the build request while it is being
created, of the instance, in its cell, from then on. This holds for servers
that boot from a volume too. A server that was deleted meanwhile has no wish;
those that were asked for with it may have one.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from nova import context as nova_context
from nova import exception, objects
from nova.compute import task_states

from numa_sched.nova import images
from numa_sched.nova.scheduler import siblings
from numa_sched.policy.verdict import Wishes


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Image properties, and what of all wishes was there before a request.

    That is nothing for a server that is only being created, and None where
    the request brings no wish in: a server that is moved as it is.
    """

    image_properties: Mapping[str, str]
    before: Wishes | None

    def without_image(self) -> 'Source':
        """Give the same for where images have no say."""
        before = self.before and Wishes(self.before.extra_specs)
        return Source({}, before)


def read(context, request_spec) -> Source:
    """Give the image properties of the server that a request is for.

    One read where Nova tells which cell the server is in, as it does for
    every move within a cell, and one for a server that is being created. A
    move that may cross cells takes one more, to find the cell, and a server
    that was deleted before it was built two, to find that and its siblings.

    :raises NovaException: if a server that may have wishes cannot be read
    """
    if is_move(request_spec):
        return _of_instance(instance(context, request_spec, *WITH_WISHES))
    try:
        request = objects.BuildRequest.get_by_instance_uuid(
            context, request_spec.instance_uuid
        )
        return Source(images.properties(request.instance), Wishes())
    except exception.BuildRequestNotFound:
        pass
    try:
        return _of_instance(instance(context, request_spec, *WITH_WISHES))
    except GONE:
        return Source(_of_siblings(request_spec), Wishes())


def _of_instance(server) -> Source:
    """Give the source of a server that exists.

    A resize has its new flavor in the request, and the server the old one
    until it is done. A cold migration, which is done the same way, has the
    flavor of the server. Other moves have a flavor of their own in their
    requests only where an earlier resize has failed.
    """
    properties = images.properties(server)
    is_resize = server.task_state == task_states.RESIZE_PREP
    before = Wishes(server.flavor.extra_specs, properties)
    return Source(properties, before if is_resize else None)


def _of_siblings(request_spec) -> dict[str, str]:
    """Give the image properties of the servers asked for with one gone."""
    found = list(map(images.properties, siblings.find(request_spec)))
    if any(each != found[0] for each in found[1:]):
        raise exception.NovaException(
            'it was deleted, and which servers were asked for with it cannot '
            'be told from another request; ask for them again'
        )
    return found[0] if found else {}


GONE = exception.InstanceNotFound, exception.InstanceMappingNotFound
"""What is raised where a server does not exist any more."""

WITH_WISHES = 'flavor', 'system_metadata'
"""The fields of a server that say what it wishes."""


# Of the requests being handled, so that filters need not read them again.
_INSTANCES: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def instance(context, request_spec, *fields: str) -> 'objects.Instance':
    """Give the server that a request moves, read once for each request.

    :param fields: those wanted beside columns, NUMA topology and CPU model
    :raises NovaException: if there is none, or no cell can be asked
    """
    found = _INSTANCES.get(request_spec)
    if (
        found is None
        # One request asks for several servers, one after the other.
        or found.uuid != request_spec.instance_uuid
        or not all(name in found for name in fields)
    ):
        with in_cell(context, request_spec) as cell:
            found = objects.Instance.get_by_uuid(
                cell,
                request_spec.instance_uuid,
                expected_attrs=['numa_topology', 'vcpu_model', *fields],
            )
        _INSTANCES[request_spec] = found
    return found


def in_cell(context, request_spec):
    """Give a context manager for reading in the cell of a server."""
    cell = _cell(request_spec)
    if cell is NOT_MOVING or cell is None:
        uuid = request_spec.instance_uuid
        cell = objects.InstanceMapping.get_by_instance_uuid(
            context, uuid
        ).cell_mapping
        if cell is None:
            raise exception.InstanceNotFound(instance_id=uuid)
    return nova_context.target_cell(context.elevated(), cell)


def may_be_live_migration(request_spec) -> bool:
    """Whether a request may be a live migration, by itself.

    A live migration stays in its cell and leaves its source out. So do many
    evacuations, cold migrations and resizes: the state of the server tells.
    """
    return (
        is_move(request_spec)
        and _cell(request_spec) is not None
        and 'ignore_hosts' in request_spec
        and bool(request_spec.ignore_hosts)
    )


NOT_MOVING = object()


def is_move(request_spec) -> bool:
    """Whether the request is for a server that already exists.

    Every move names a cell in its destination (or None, to leave it open);
    creating a server never does.
    """
    return _cell(request_spec) is not NOT_MOVING


def _cell(request_spec):
    """Give the cell mapping of the server, None if it is left open."""
    if 'requested_destination' not in request_spec:
        return NOT_MOVING
    destination = request_spec.requested_destination
    if destination is None or 'cell' not in destination:
        return NOT_MOVING
    return destination.cell
