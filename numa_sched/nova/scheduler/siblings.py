"""The other servers of a request whose first one is gone.

Nova names a request to create several servers after the first of them, and
tells nobody which the others are. The records of servers that wait to be
built tell: those of one request have a reservation in common.
"""

from collections.abc import Iterator

from nova import context as nova_context
from nova import exception, objects


def find(request_spec) -> list['objects.Instance']:
    """Give a sibling for each request that this one may be.

    There is none if nobody is left, and more than one if the same user has
    asked for the same more than once and each time deleted the first server:
    which of these requests it is then, nothing tells.

    One read of the build requests of the project, as many as it has servers
    under way.
    """
    if 'num_instances' not in request_spec or request_spec.num_instances < 2:
        return []
    requests: dict[str, list[objects.Instance]] = {}
    for waiting in _waiting(request_spec):
        requests.setdefault(waiting.reservation_id, []).append(waiting)
    # The servers of a request are counted from 0, and that one is gone.
    return [
        waiting[0]
        for waiting in requests.values()
        if len(waiting) < request_spec.num_instances
        and all(each.launch_index for each in waiting)
    ]


def _waiting(request_spec) -> Iterator['objects.Instance']:
    """Give the user's servers of the same flavor and image to be built."""
    context = nova_context.RequestContext(
        user_id=request_spec.user_id,
        project_id=request_spec.project_id,
        is_admin=False,  # which would ask for those of all projects
    )
    image = request_spec.image
    image = image.id if image and 'id' in image else ''
    for each in objects.BuildRequestList.get_all(context):
        try:
            server = each.instance
        except exception.BuildRequestNotFound:
            continue
        if (
            server.user_id == request_spec.user_id
            and server.flavor.id == request_spec.flavor.id
            # Empty of a server that boots from a volume.
            and server.image_ref in ('', image)
        ):
            yield server
