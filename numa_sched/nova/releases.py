"""What differs between releases of Nova, and which ones were tested.

All of it stands here, so that nothing else asks for a release.
"""

import re
from typing import Any

TESTED = ('33.0.2', '34.0.0')
"""The versions of Nova that tests are run with, one of each release."""

# The first service version of nova-compute (that of 2026.2, under way) with
# which a claim looks at the devices of the host whatever the guest wants; see
# nova.compute.claims.Claim._test_numa_topology. Before, only if it wants any.
LOOKS_AT_DEVICES = 73


def is_tested(version: str) -> bool:
    """Whether a version of Nova is of a release that was tested."""
    return release_of(version) in map(release_of, TESTED)


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
