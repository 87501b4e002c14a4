"""Checks of the hosts: what they report, and which Nova they run."""

import dataclasses
from collections.abc import Collection, Mapping

from oslo_upgradecheck.upgradecheck import Result

from numa_sched import policy
from numa_sched.nova.status.findings import failure, result, some, warning

# The service version of Train, from which on all computes together migrate
# servers with a NUMA topology; see nova/conductor/tasks/live_migrate.py.
NUMA_SERVICE = 40

DRIVER = 'numa_sched.LibvirtDriver'
_FLAGS = {
    wish.trait: f'--{wish.feature.replace("_", "-")}' for wish in policy.WISHES
}


@dataclasses.dataclass(frozen=True, slots=True)
class Compute:
    """A host as the databases of the cells have it.

    :param provider: its uuid in placement
    :param libvirt: whether it runs QEMU by libvirt
    """

    name: str
    provider: str
    libvirt: bool


def traits(
    computes: Collection[Compute], having: Mapping[str, Collection[str]]
) -> Result:
    """Tell whether each host with libvirt has each of the traits.

    :param having: for each trait, the uuids of the providers that have it
    """
    libvirt = [each for each in computes if each.libvirt]
    if not libvirt:
        return result([_NO_HOST])
    found = []
    for wish in policy.WISHES:
        lacking = [
            each.name
            for each in libvirt
            if each.provider not in having[wish.trait]
        ]
        if lacking:
            found.append(
                (failure if len(lacking) == len(libvirt) else warning)(
                    f'{_of(lacking, libvirt)} '
                    f'without {wish.trait} ({some(lacking)}): set '
                    f'compute_driver = {DRIVER} there, or tell placement '
                    f'what they are configured for with openstack numa '
                    f'host set {_FLAGS[wish.trait]}.'
                )
            )
    return result(found)


def drivers(
    computes: Collection[Compute], having: Mapping[str, Collection[str]]
) -> Result:
    """Tell whether all hosts look as if they ran the same driver.

    Ours reports both traits. A host that was given both by hand cannot be
    told from one that runs it.

    :param having: for each trait, the uuids of the providers that have it
    """
    libvirt = [each for each in computes if each.libvirt]
    if not libvirt:
        return result([_NO_HOST])
    others = [
        each.name
        for each in libvirt
        if not all(each.provider in having[trait] for trait in policy.TRAITS)
    ]
    if not others:
        return result(())
    heeds = "a wish for false is not heeded where they run Nova's driver"
    if len(others) == len(libvirt):
        return result(
            [
                warning(
                    f'No host with libvirt reports both traits, as one with '
                    f'compute_driver = {DRIVER} does: set it, since {heeds}.'
                )
            ]
        )
    return result(
        [
            warning(
                f'The roll-out is half done: {_of(others, libvirt)} not like '
                f'one with compute_driver = {DRIVER} ({some(others)}): set '
                f'it there too, since {heeds}.'
            )
        ]
    )


def services(versions: Mapping[str, int], current: int) -> Result:
    """Tell whether each nova-compute is new enough.

    :param versions: the service version of nova-compute by host
    :param current: that of the Nova beside this program
    """
    if not versions:
        return result(
            [
                warning(
                    'No nova-compute is known yet: start one, and run '
                    'nova-manage cell_v2 discover_hosts.'
                )
            ]
        )
    too_old = [host for host, each in versions.items() if each < NUMA_SERVICE]
    if too_old:
        return result(
            [
                failure(
                    f'Upgrade nova-compute on {some(too_old)}: while any is '
                    f'older than Train, no server with a NUMA topology is '
                    f'live-migrated.'
                )
            ]
        )
    older = [host for host, each in versions.items() if each < current]
    if older:
        return result(
            [
                warning(
                    f'Upgrade nova-compute on {some(older)}: it is older '
                    f'(service version {min(versions.values())}) than the '
                    f'Nova here ({current}).'
                )
            ]
        )
    return result(())


def _of(hosts: Collection[str], libvirt: Collection[Compute]) -> str:
    verb = 'is' if len(hosts) == 1 else 'are'
    return f'{len(hosts)} of {len(libvirt)} hosts with libvirt {verb}'


_NO_HOST = warning(
    'No host with libvirt is known yet: start nova-compute, and run '
    'nova-manage cell_v2 discover_hosts.'
)
