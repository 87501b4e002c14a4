"""What calls of Nova's API would change: Nova's values in, ours out.

Each takes the arguments of a call by their names in Nova.
"""

import dataclasses
from collections.abc import Mapping, Set
from typing import Any

import webob.exc
from nova import objects
from nova import utils as nova_utils
from nova.api.openstack import common
from nova.scheduler.client import report
from oslo_log import log as logging

from numa_sched.nova import images
from numa_sched.policy import verdict
from numa_sched.policy.verdict import Change, Wishes

LOG = logging.getLogger(__name__)


def create(called: Mapping[str, Any], *, with_images: bool) -> Change | None:
    """Give what there would be with a new server; once for many alike.

    Called as ``nova.compute.api.API._populate_instance_for_create``.
    """
    flavor, image = called['flavor'], called['image']
    if called['index']:
        return None
    properties = _properties(image, flavor) if with_images else {}
    subject = f'flavor {flavor.flavorid}'
    if properties:
        subject += (
            f' with image {image["id"]}'
            if image.get('id')
            else ' with the image metadata of the volume'
        )
    return Change(subject, Wishes(), Wishes(flavor.extra_specs, properties))


def write(called: Mapping[str, Any], *, with_images: bool) -> Change | None:
    """Give what writing extra specs makes of a flavor that there is.

    Called as ``FlavorExtraSpecsController._check_extra_specs_value``.
    """
    request, specs = called['req'], called['specs']
    # As Nova's router has read the path.
    routed = request.environ['wsgiorg.routing_args'][1]
    if 'id' in routed and routed['id'] not in specs:
        return None  # refused by Nova next
    try:
        flavor = common.get_flavor(
            request.environ['nova.context'], routed['flavor_id']
        )
    except webob.exc.HTTPNotFound:
        return None
    return verdict.writing(flavor.flavorid, specs, flavor.extra_specs)


@dataclasses.dataclass(frozen=True, slots=True)
class Resize:
    """What another flavor makes of a server, however it is called."""

    server: 'objects.Instance'
    flavor: 'objects.Flavor'

    def __call__(
        self, called: Mapping[str, Any], *, with_images: bool
    ) -> Change:
        """Give the change."""
        before = _wishes(self.server, with_images)
        return Change(
            f'flavor {self.flavor.flavorid} for server {self.server.uuid}',
            before,
            Wishes(self.flavor.extra_specs, before.image_properties),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Rebuild:
    """What another image makes of a server, which stays on its host.

    Called as ``nova.compute.api.API._handle_kernel_and_ramdisk``.
    """

    server: 'objects.Instance'
    placement: 'report.SchedulerReportClient'

    def __call__(
        self, called: Mapping[str, Any], *, with_images: bool
    ) -> Change | None:
        """Give the change, None if images have no say."""
        if not with_images:
            return None
        server, image = self.server, called['image']
        before = _wishes(server, with_images)
        if image['id'] != (
            # Empty of a server that boots from a volume.
            server.image_ref or before.image_properties.get('base_image_ref')
        ):
            # All that another image says is brought in, as the scheduler,
            # which knows of no other image, sees it too.
            before = Wishes(before.extra_specs)
        after = Wishes(
            server.flavor.extra_specs, _properties(image, server.flavor)
        )
        change = Change(
            f'image {image["id"]} for server {server.uuid}', before, after
        )
        required = verdict.gained_traits(change)
        if not required:
            return change
        lacking = required - self._host_traits(called['context'], required)
        return dataclasses.replace(
            change, errors=verdict.lacking(change, lacking)
        )

    def _host_traits(self, context, required: Set[str]) -> Set[str]:
        """Give the traits of the host; those required if nobody knows."""
        server = self.server
        try:
            node = objects.ComputeNode.get_by_host_and_nodename(
                context, server.host, server.node
            )
            return self.placement.get_provider_traits(
                context, node.uuid
            ).traits
        except Exception as error:
            LOG.warning(
                'Whether the host of server %(server)s has the traits '
                '%(traits)s is left to the scheduler: %(error)s',
                {
                    'server': server.uuid,
                    'traits': ', '.join(sorted(required)),
                    'error': error,
                },
            )
            return required


def _wishes(server, with_images: bool) -> Wishes:
    """Give the wishes of a server as they stand."""
    return Wishes(
        server.flavor.extra_specs,
        images.properties(server) if with_images else {},
    )


def _properties(image, flavor) -> dict[str, str]:
    """Give image properties as a server of the flavor will keep them."""
    return images.without_prefix(
        nova_utils.get_system_metadata_from_image(image, flavor)
    )
