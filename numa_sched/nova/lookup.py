"""What a request to the compute API would change, looked up for its caller.

Everything is read with the caller's own context, as Nova will read it, and
only after the caller's right to do what he asks for is clear. So nothing is
found here that Nova would not show him.
"""

from nova import block_device, exception, objects
from nova import context as nova_context
from nova import utils as nova_utils
from nova.image import glance
from nova.policies import flavor_extra_specs as extra_specs_policies
from nova.policies import rescue as rescue_policies
from nova.policies import servers as server_policies
from nova.volume import cinder

from numa_sched import api_request, api_verdict
from numa_sched.api_verdict import Change, Wishes
from numa_sched.nova import source

ABSENT = (
    exception.Forbidden,
    exception.ImageNotAuthorized,
    exception.Invalid,
    exception.NotFound,
    exception.Unauthorized,
)
"""What is raised where there is nothing that the caller may see or do."""

SERVER_ACTIONS = {
    api_request.Rebuild: server_policies.SERVERS % 'rebuild',
    api_request.Rescue: rescue_policies.BASE_POLICY_NAME,
    api_request.Resize: server_policies.SERVERS % 'resize',
}


def change(context, asked, *, with_images=True) -> Change:
    """Give what a request would change.

    :param asked: one of the values of ``numa_sched.api_request``
    :param with_images: whether images have a say
    :raises ABSENT: if anything is missing, or not for the caller
    """
    match asked:
        case api_request.Create():
            return _create(context, asked, with_images)
        case api_request.WriteExtraSpecs():
            return _write(context, asked)
        case api_request.Resize():
            return _resize(context, asked, with_images)
        case _:
            return _new_image(context, asked, with_images)


def _create(context, asked, with_images):
    context.can(
        server_policies.SERVERS % 'create',
        target={
            'project_id': context.project_id,
            'user_id': context.user_id,
            'availability_zone': None,
        },
    )
    extra_specs = _flavor(context, asked.flavor).extra_specs
    subject = f'flavor {asked.flavor}'
    properties = {}
    if asked.boot and with_images:
        subject += f' with {asked.boot.kind} {asked.boot.id}'
        properties = _boot_properties(context, asked.boot)
    return Change(subject, Wishes(), Wishes(extra_specs, properties))


def _write(context, asked):
    context.can(extra_specs_policies.POLICY_ROOT % 'create', target={})
    flavor = objects.Flavor.get_by_flavor_id(context, asked.flavor)
    return api_verdict.writing(
        asked.flavor, asked.extra_specs, flavor.extra_specs
    )


def _resize(context, asked, with_images):
    server = _server(context, asked)
    properties = source.image_properties(server) if with_images else {}
    extra_specs = _flavor(context, asked.flavor).extra_specs
    return Change(
        f'flavor {asked.flavor} for server {asked.server}',
        Wishes({}, properties),
        Wishes(extra_specs, properties),
    )


def _new_image(context, asked, with_images):
    server = _server(context, asked)
    extra_specs = server.flavor.extra_specs
    properties = (
        _boot_properties(context, api_request.Boot('image', asked.image))
        if with_images
        else {}
    )
    return Change(
        f'image {asked.image} for server {asked.server}',
        Wishes(extra_specs),
        Wishes(extra_specs, properties),
    )


def _flavor(context, flavor):
    return objects.Flavor.get_by_flavor_id(context, flavor, read_deleted='no')


def _server(context, asked):
    """Give a server that the caller may do this to."""
    mapping = objects.InstanceMapping.get_by_instance_uuid(
        context, asked.server
    )
    if mapping.cell_mapping is None:
        raise exception.InstanceNotFound(instance_id=asked.server)
    with nova_context.target_cell(context, mapping.cell_mapping) as in_cell:
        server = objects.Instance.get_by_uuid(
            in_cell,
            asked.server,
            expected_attrs=['flavor', 'system_metadata'],
        )
    context.can(
        SERVER_ACTIONS[type(asked)],
        target={'user_id': server.user_id, 'project_id': server.project_id},
    )
    return server


def _boot_properties(context, boot):
    """Give image properties as the server will keep them."""
    image = (
        glance.API().get(context, boot.id)
        if boot.kind == 'image'
        else block_device.get_image_metadata_from_volume(
            _volume(context, boot)
        )
    )
    kept = nova_utils.get_system_metadata_from_image(image)
    return source.without_prefix(kept)


def _volume(context, boot):
    api, volume = cinder.API(), boot.id
    if boot.kind == 'snapshot':
        volume = api.get_snapshot(context, boot.id)['volume_id']
    return api.get(context, volume)
