"""How near PCI devices are to the cells of a claim."""

from collections.abc import Iterable

from numa_sched.fit.claim import Claim


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
    sockets = {cell.id: cell.socket for cell in claim.host.layout.cells}
    near = {sockets[cell] for cell in chosen} - {None}
    unknown = devices.count(None)
    far = [cell for cell in devices if cell not in {None, *chosen}]
    distant = sum(sockets.get(cell) not in near for cell in far)
    return len(far), distant, unknown
