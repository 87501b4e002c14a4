"""What flavors and images ask for, as Nova reads them."""

from collections.abc import Mapping

from nova import exception, objects
from nova.pci import request as pci_request
from nova.scheduler import utils as scheduler_utils
from nova.virt import hardware

from numa_sched.exceptions import RequestError, TopologyError
from numa_sched.fleet import Asked, Flavor
from numa_sched.nova import convert
from numa_sched.topology import Guest

# What Nova raises over extra specs and properties that it refuses.
REFUSED = (exception.NovaException, TopologyError, *convert.BAD_DATA)


def flavor(row, image_properties: Mapping[str, str] | None = None) -> Flavor:
    """Give a flavor as a value, with what it asks for, or why not.

    :param row: a ``Flavor`` of Nova
    :param image_properties: of an image that it is used with
    """
    guest = asked = error = None
    try:
        spec = _spec(row, _image(image_properties or {}))
        guest, asked = convert.guest(spec), asked_of(spec)
    except REFUSED as refused:
        error = str(refused) or type(refused).__name__
    return Flavor(
        name=row.name,
        vcpus=row.vcpus,
        memory_mb=row.memory_mb,
        disk_gb=row.root_gb,
        extra_specs=dict(row.extra_specs),
        guest=guest,
        asked=asked,
        error=error,
    )


def with_image(known: Flavor, image_properties: Mapping[str, str]) -> Flavor:
    """Give a flavor with what it asks for together with an image.

    :raises RequestError: if Nova makes nothing of the two
    """
    objects.register_all()
    row = objects.Flavor(
        name=known.name,
        vcpus=known.vcpus,
        memory_mb=known.memory_mb,
        root_gb=known.disk_gb,
        ephemeral_gb=0,
        swap=0,
        extra_specs=dict(known.extra_specs),
    )
    together = flavor(row, image_properties)
    if together.error:
        raise RequestError(
            f'Nova makes nothing of flavor {known.name} with these image '
            f'properties: {together.error}'
        )
    return together


def of_server(instance) -> tuple[Guest | None, Asked]:
    """Give what a server asks for when it is moved.

    As the conductor has it (``nova.conductor.tasks.live_migrate``).

    :param instance: with flavor, image, devices and network information
    :raises TopologyError: if it makes no sense
    """
    spec = _spec(instance.flavor, instance.image_meta, instance)
    return convert.guest(spec), asked_of(spec)


def asked_of(spec) -> Asked:
    """Give what a request asks of the host itself, by Nova's own reading.

    Groups with a number, such as ``resources1:``, are of parts of a host and
    are left out.

    :raises NovaException: if the request makes no sense
    """
    request = scheduler_utils.ResourceRequest.from_request_spec(spec)
    group = request.get_request_group(None)
    return Asked(
        {name: int(amount) for name, amount in group.resources.items()},
        frozenset(group.required_traits),
        frozenset(group.forbidden_traits),
    )


def _image(properties: Mapping[str, str]):
    return objects.ImageMeta.from_dict({'properties': dict(properties)})


def _spec(row, image, instance=None):
    """Give a request as the scheduler gets it; of a flavor, if no server."""
    spec = objects.RequestSpec(
        flavor=row,
        image=image,
        numa_topology=instance and instance.numa_topology,
        requested_resources=[],
    )
    if instance is None:
        policy = hardware.get_pci_numa_policy_constraint(row, image)
        # Refuses what the API refuses; the request then reads it again.
        hardware.numa_get_constraints(row, image)
        spec.pci_requests = pci_request.get_pci_requests_from_flavor(
            row, affinity_policy=policy
        )
    else:
        spec.pci_requests = instance.pci_requests
        spec.is_bfv = not instance.image_ref
        spec.ensure_network_information(instance)
    return spec
