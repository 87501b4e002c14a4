"""PCI devices: which will do, how near they are, and which a claim takes."""

from collections.abc import Hashable, Iterable, Sequence, Set

from numa_sched.fit.claim import Claim
from numa_sched.topology import (
    DeviceAffinity,
    DeviceKind,
    DevicePool,
    DeviceRequest,
)

# Devices of these types are for those that name them.
_SPECIAL_TYPES = 'type-pf', 'vdpa'
_TRUE = {'1', 't', 'true', 'on', 'y', 'yes'}  # as oslo.utils has it


def remoteness(
    claim: Claim, devices: Iterable[int | None]
) -> tuple[int, int, int]:
    """Give how far devices are from a claim's cells; less is nearer.

    Counted are the devices on other cells than those of the claim; those of
    them that are on other sockets too; the devices that may be anywhere.

    :param devices: for each device the id of its host cell, None if the host
        does not tell
    """
    devices, chosen = list(devices), set(claim.cell_ids)
    form = claim.host.layout.form
    sockets = dict(zip(form.ids, form.sockets, strict=True))
    near = {sockets[cell] for cell in chosen} - {None}
    unknown = devices.count(None)
    far = [cell for cell in devices if cell is not None and cell not in chosen]
    distant = sum(sockets.get(cell) not in near for cell in far)
    return len(far), distant, unknown


def matches(request: DeviceRequest, kind: DeviceKind) -> bool:
    """Whether devices of a kind will do for a request, wherever they are.

    Source: ``nova.pci.stats.PciDeviceStats._filter_pools``. Traits and
    resource classes, by which placement chooses, are not looked at.
    """
    if not answers(request, kind):
        return False
    has = dict(kind)
    wishes = [dict(wanted) for wanted in request.kinds]
    of_type = has.get('dev_type')
    if of_type in _SPECIAL_TYPES and not any(
        wish.get('dev_type') == of_type for wish in wishes
    ):
        return False
    return has.get('remote_managed') not in _TRUE or any(
        wish.get('remote_managed') in _TRUE for wish in wishes
    )


def answers(request: DeviceRequest, kind: DeviceKind) -> bool:
    """Whether devices of a kind are such as a request describes.

    Some of them are kept for others all the same. Source:
    ``nova.pci.stats.PciDeviceStats._filter_pools_for_spec``.
    """
    has = dict(kind)
    return any(
        all(_serves(has.get(name), value) for name, value in wanted)
        for wanted in request.kinds
    )


def _serves(value: Hashable, wanted: Hashable) -> bool:
    if isinstance(value, frozenset) and isinstance(wanted, frozenset):
        return wanted <= value
    return value == wanted


def same_socket(sockets: Sequence[int | None]) -> tuple[int, ...]:
    """Give for each cell the first cell of its socket.

    If any cell does not tell its socket each one stands alone, as in Nova.
    """
    if None in sockets:
        return tuple(range(len(sockets)))
    return tuple(map(sockets.index, sockets))


def pools_after(claim: Claim) -> tuple[DevicePool, ...]:
    """Give the free devices of a host once a claim has taken some.

    Which ones is Nova's choice (``PciDeviceStats.apply_requests``) as long as
    placement has not chosen before. That a physical function goes with its
    virtual ones, and they with it, is not told and not counted.
    """
    left = [pool.count for pool in claim.host.pools]
    for request in claim.guest.devices:
        wanted = request.count
        for index in _order(claim, request, left):
            taken = min(wanted, left[index])
            left[index] -= taken
            wanted -= taken
    return tuple(
        pool._replace(count=count)
        for pool, count in zip(claim.host.pools, left, strict=True)
    )


def _order(
    claim: Claim, request: DeviceRequest, left: Sequence[int]
) -> list[int]:
    """Give indexes of pools as Nova takes devices from them."""
    pools = claim.host.pools
    usable = [
        index
        for index, pool in enumerate(pools)
        if matches(request, pool.kind)
    ]
    chosen = set(claim.cell_ids)

    def within(cells: Set[int | None]) -> list[int]:
        return [index for index in usable if pools[index].cell in cells]

    near = within(chosen)
    if (
        request.affinity is DeviceAffinity.REQUIRED
        or sum(left[index] for index in near) >= request.count
    ):
        return near
    if request.affinity is DeviceAffinity.SOCKET:
        form = claim.host.layout.form
        first = same_socket(form.sockets)
        sockets = {first[index] for index in claim.indexes}
        return within(
            {
                cell
                for cell, at in zip(form.ids, first, strict=True)
                if at in sockets
            }
        )
    nearly = within({*chosen, None})
    if request.affinity is DeviceAffinity.PREFERRED:
        return [*nearly, *(index for index in usable if index not in nearly)]
    return nearly
