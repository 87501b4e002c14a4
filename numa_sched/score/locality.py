"""``locality``: a guest close together, and close to its devices."""

from numa_sched.fit.claim import Claim
from numa_sched.score import Strategy
from numa_sched.topology import Guest, Host


class Locality(Strategy):
    """Fewest sockets, devices close, no core shared with other guests."""

    def score(self, host: Host, guest: Guest, claim: Claim) -> float:
        """Give the mean of three shares.

        One by the number of sockets, the share of the cells used that have
        free PCI devices if the guest wants any, and the share of its
        dedicated CPUs on cores of which no other guest has a thread.
        """
        return (_sockets(claim) + _devices(claim) + _whole_cores(claim)) / 3


def _sockets(claim: Claim) -> float:
    """Give 1.0 for one socket; cells that tell none are one each."""
    layouts = [claim.host.layout.cells[index] for index in claim.indexes]
    sockets = {
        ('cell', cell.id) if cell.socket is None else cell.socket
        for cell in layouts
    }
    return 1.0 / len(sockets)


def _devices(claim: Claim) -> float:
    if not claim.guest.wants_devices:
        return 1.0
    devices = dict(claim.host.devices)
    near = sum(devices.get(cell, 0) > 0 for cell in claim.cell_ids)
    return near / len(claim.indexes)


def _whole_cores(claim: Claim) -> float:
    pinned = broken = 0
    for cell, taken in zip(claim.cells, claim.fits, strict=True):
        pinned += taken.pinned.bit_count()
        for core in cell.layout.siblings:
            if core & taken.pinned and core & cell.pinned:
                broken += (core & taken.pinned).bit_count()
    return 1.0 - broken / pinned if pinned else 1.0
