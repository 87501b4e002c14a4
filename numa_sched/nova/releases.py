"""What differs between releases of Nova, and which ones were tested.

All of it stands here, so that nothing else asks for a release.
"""

import re
from typing import Any

from nova import version as nova_version
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

TESTED = ('31.3.1', '32.2.1', '33.0.2', '34.0.0')
"""The versions of Nova that tests are run with, one of each release."""

# The first service version of nova-compute (that of 2026.2, under way) with
# which a claim looks at the devices of the host whatever the guest wants; see
# nova.compute.claims.Claim._test_numa_topology. Before, only if it wants any.
LOOKS_AT_DEVICES = 73


LEAVES_TOPOLOGIES_UNREAD = (34,)
"""The releases of Nova that ``lazy_topologies`` was tested with."""


def is_tested(version: str) -> bool:
    """Whether a version of Nova is of a release that was tested."""
    return release_of(version) in map(release_of, TESTED)


def is_tested_here() -> bool:
    """Whether the Nova here is of a release that was tested.

    A warning is logged if not, for the service that starts.
    """
    version = nova_version.version_string()
    if is_tested(version):
        return True
    LOG.warning(
        'numa_sched was not tested with Nova %(version)s, only with '
        '%(tested)s: what it takes Nova for may be wrong.',
        {'version': version, 'tested': ', '.join(TESTED)},
    )
    return False


def release_of(version: str) -> int | None:
    """Give the number of a release, such as 34; None of an odd version."""
    number = re.match(r'\d+', version)
    return int(number[0]) if number else None


def service_version(host_state: Any) -> int | None:
    """Give the service version of nova-compute on a host.

    None if it is not told, as of a host state that was never filled.
    """
    service = getattr(host_state, 'service', None) or {}
    return service.get('version')


def spares_devices(version: int | None) -> bool:
    """Whether claims on a host spare devices that a guest does not want.

    They try cells with devices last then. While a cloud is being upgraded
    some hosts do and some do not.

    :param version: the service version of the host; None counts as new
    """
    return version is None or version >= LOOKS_AT_DEVICES


def may_leave_topologies_unread() -> bool:
    """Whether Nova here is of a release that this was tested with.

    A warning is logged if not, for the service that starts.
    """
    version = nova_version.version_string()
    if release_of(version) in LEAVES_TOPOLOGIES_UNREAD:
        return True
    LOG.warning(
        '[numa_sched] lazy_topologies is not heeded: it was not tested with '
        'Nova %(version)s, only with %(tested)s.',
        {
            'version': version,
            'tested': ', '.join(map(str, LEAVES_TOPOLOGIES_UNREAD)),
        },
    )
    return False


def may_have_several_connections(libvirt_driver: Any) -> bool:
    """Whether Nova may migrate a server over several connections.

    It does from 2026.1 on; before, ``Guest.migrate`` cannot be told how many.

    :param libvirt_driver: ``nova.virt.libvirt.driver``
    """
    return hasattr(libvirt_driver, 'MIN_MULTIFD_WITH_POSTCOPY_QEMU_VERSION')


def last_check_of_resize(compute_api: Any) -> str:
    """Give the name of the method with which the API checks a resize last.

    :param compute_api: ``nova.compute.api.API``
    """
    since_2026_1 = '_validate_vtpm_secret_security'
    if hasattr(compute_api, since_2026_1):
        return since_2026_1
    return '_check_compute_service_for_mixed_instance'
