"""How a server would be live-migrated from its host: what is known of it."""

import dataclasses
from collections.abc import Iterator

from numa_sched import policy
from numa_sched.answers.request import Request
from numa_sched.fleet import Fleet, FleetHost
from numa_sched.policy import features, post_copy
from numa_sched.policy.features import Features

OURS = 'numa_sched.LibvirtDriver'
STOCK = "Nova's own driver"
PAUSED = 'paused'
QEMU = 'QEMU'

VHOST_USER = frozenset(post_copy.VHOST_USER.values())
AUTO_CONVERGE, _ = policy.WISHES
PERMITS = (
    '[libvirt] live_migration_permit_auto_converge and '
    'live_migration_permit_post_copy of its host'
)
OF_HOSTS = (
    'whether source or destination has [libvirt] file_backed_memory or '
    'live_migration_tunnelled'
)
OF_GUEST = 'shares, vhost-user disks, and whether QEMU refuses post-copy'
PORTS = 'its ports: whether they are SR-IOV or vhost-user'
FOR_VHOST_USER = (
    '[numa_sched] post_copy_with_vhost_user of its host: it has a vhost-user '
    'port'
)
IMAGES = '[numa_sched] image_wishes of its host: if false, images do not count'


@dataclasses.dataclass(frozen=True, slots=True)
class Use:
    """What a driver would use of both features.

    None where it depends on the configuration of the host. Post-copy is used
    unless something that is not known here rules it out; auto-converge is None
    beside it if it may stand in then. ``unknown`` is what all this depends on
    and nobody has told.
    """

    driver: str
    auto_converge: bool | None
    post_copy: bool | None
    because: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Give it as a sentence."""
        if self.auto_converge is None and self.post_copy is None:
            return 'pre-copy; auto-converge and post-copy as configured there'
        if self.post_copy and self.auto_converge is None:
            return (
                'pre-copy, and post-copy once it is forced to complete; where '
                'that is ruled out, with auto-converge if configured there'
            )
        return (
            f'pre-copy {_AUTO_CONVERGE[self.auto_converge]}, '
            f'{_POST_COPY[self.post_copy]}'
        )


_AUTO_CONVERGE = {
    True: 'with auto-converge',
    False: 'without auto-converge',
    None: 'with auto-converge if configured there',
}
_POST_COPY = {
    True: 'and post-copy once it is forced to complete, unless ruled out',
    False: 'without post-copy',
    None: 'and post-copy, once it is forced to complete, if configured there',
}


def uses(fleet: Fleet, request: Request) -> tuple[Use, ...]:
    """Give how a server is migrated, by each driver that its host may run.

    Traits tell: ours reports auto-converge wherever it runs QEMU.
    """
    host = _host(fleet, request)
    if host is not None and host.node.hypervisor_type not in (None, QEMU):
        why = f'the hypervisor of its host is {host.node.hypervisor_type}'
        return (Use(STOCK, False, False, (why,)),)
    stock = Use(STOCK, None, None, (_NOT_HEEDED,), (PERMITS,))
    if host is not None and AUTO_CONVERGE.trait not in host.traits:
        why = (
            f'its host is without the trait {AUTO_CONVERGE.trait}, which '
            f'{OURS} reports'
        )
        return (dataclasses.replace(stock, because=(why, *stock.because)),)
    return (_ours(request), stock)


_NOT_HEEDED = 'what the server wants does not count there'


def _host(fleet: Fleet, request: Request) -> FleetHost | None:
    server = request.server
    if server is None:
        return None
    key = server.host, server.nodename
    return next(
        (host for host in fleet.hosts if (host.name, host.nodename) == key),
        None,
    )


def _ours(request: Request) -> Use:
    """Give what our driver uses, over all that its host may permit."""
    server = request.server
    paused = server is not None and server.vm_state == PAUSED
    ports = post_copy.of_ports((server and server.ports) or ())
    ruling_out = [
        *policy.devices(request.flavor.extra_specs),
        *(each for each in ports if each not in VHOST_USER),
    ]
    # Whether vhost-user rules it out is for the host to say.
    may_be = {bool(ruling_out), bool(ruling_out or ports)}

    def over(ruled_out: set[bool]) -> list[Features]:
        return [
            features.used(
                request.policy,
                Features(auto_converge, permitted),
                paused=paused,
                ruled_out=each,
            )
            for auto_converge in (False, True)
            for permitted in (False, True)
            for each in ruled_out
        ]

    used = _common({each.post_copy for each in over(may_be)})
    # What is not known may rule out post-copy, and auto-converge stands in.
    found = over(may_be | {True})
    auto_converge = _common({each.auto_converge for each in found})
    return Use(
        OURS,
        auto_converge,
        used,
        (
            *_wishes(request.policy),
            *(f'no post-copy with {each}' for each in ruling_out),
            *(['no post-copy of a paused server'] if paused else []),
        ),
        tuple(_unknown(request, auto_converge, used, len(may_be) > 1)),
    )


def _common(values: set[bool]) -> bool | None:
    return values.pop() if len(values) == 1 else None


def _wishes(wanted: policy.LiveMigrationPolicy) -> Iterator[str]:
    for wish in policy.WISHES:
        name = wish.feature.replace('_', '-')
        value = getattr(wanted, wish.feature)
        if value is not None:
            yield f'{name} is {"" if value else "not "}wanted'


def _unknown(
    request: Request,
    auto_converge: bool | None,
    used: bool | None,
    by_option: bool,
) -> Iterator[str]:
    """Give what the use of the features depends on beside what is known.

    :param by_option: whether it has vhost-user ports and nothing worse
    """
    server = request.server
    if by_option and used is not False:
        yield FOR_VHOST_USER
    if None in (auto_converge, used):
        yield PERMITS
    if used is not False:
        if server is None or server.ports is None:
            yield PORTS
        yield OF_HOSTS
        yield OF_GUEST
    if any(
        wish.image_key in request.image_properties for wish in policy.WISHES
    ):
        yield IMAGES
