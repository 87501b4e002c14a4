"""The paste filter: has Nova's API check wishes where it checks its own.

The filter stands in no request's way. When the application is loaded it puts
subclasses of ours in the place of two things that Nova's controllers use: the
compute API and the controller of extra specs. Paths, bodies, rights and
states are read by Nova alone, and so is what there is to check.
"""

from collections.abc import Iterable
from typing import Any

from nova.api.openstack.compute.flavors_extraspecs import (
    FlavorExtraSpecsController,
)
from nova.compute import api as compute
from oslo_log import log as logging

from numa_sched.nova import releases
from numa_sched.nova.api.checks import Checks
from numa_sched.nova.api.compute import CheckedAPI
from numa_sched.nova.api.extra_specs import CheckedExtraSpecs

LOG = logging.getLogger(__name__)


def factory(global_config, **local_config):
    """Give the filter, as paste wants it: from application to application."""
    return check


def check(application):
    """Give the application, whose controllers check wishes from now on.

    Where that cannot be done, it is left as it is, with an error in the log:
    nova-api must start whatever happens here.
    """
    try:
        releases.is_tested_here()
        unchecked = _install(_resources(_router(application)))
    except Exception:
        LOG.exception('nova-api does not check the live-migration policy')
        return application
    for name in unchecked:
        LOG.error(
            'nova-api does not check the live-migration policy where it '
            'would call %s, which this release of Nova does not have as '
            'numa_sched knows it',
            name,
        )
    return application


def _router(application):
    """Give what routes requests, behind other filters if there are any."""
    while not hasattr(application, 'map'):
        application = getattr(application, 'application', None)
        if application is None:
            raise LookupError(
                'live_migration_policy must stand before '
                'osapi_compute_app_v21 in the pipelines of api-paste.ini'
            )
    return application


def _resources(router) -> list[Any]:
    """Give what Nova calls for its routes."""
    return [
        route.defaults['controller']
        for route in router.map.matchlist
        if hasattr(route.defaults.get('controller'), 'sub_controllers')
    ]


def _install(resources: Iterable[Any]) -> list[str]:
    """Have resources use ours instead of Nova's own.

    :returns: what of Nova was not found
    """
    checks = Checks.configured()
    compute_api, extra_specs = CheckedAPI(checks), CheckedExtraSpecs(checks)
    used = set()
    for resource in resources:
        if type(resource.controller) is FlavorExtraSpecsController:
            resource.controller = extra_specs
            used.add(FlavorExtraSpecsController)
        for controller in (resource.controller, *resource.sub_controllers):
            if type(getattr(controller, 'compute_api', None)) is compute.API:
                controller.compute_api = compute_api
                used.add(compute.API)
    return [
        f'{theirs.__module__}.{theirs.__qualname__}.{name}'
        for theirs, names in (
            (compute.API, CheckedAPI.REPLACED),
            (FlavorExtraSpecsController, CheckedExtraSpecs.REPLACED),
        )
        for name in names
        if theirs not in used or not hasattr(theirs, name)
    ]
