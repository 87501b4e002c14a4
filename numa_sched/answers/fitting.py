"""Whether a guest fits hosts, as the scheduler finds out."""

from collections.abc import Sequence

from numa_sched import fit
from numa_sched.fit.claim import Claim
from numa_sched.fit.on_host import Allowance, OnHost
from numa_sched.fit.reasons import Misfit, TooManySets
from numa_sched.topology import CPUPolicy, Guest, Host, ThreadPolicy

Found = Claim | Misfit | None
"""None is a misfit whose reason has not been looked for."""


class Fitting:
    """One guest on any number of hosts.

    Devices are those that no allocation candidate has chosen: what placement
    would choose is not known here.
    """

    def __init__(self, guest: Guest, *, packing: bool = False):
        """Take the guest; ``packing`` is as for :func:`numa_sched.fit.fit`."""
        self.guest, self._packing = guest, packing
        self._allowance = Allowance()
        self._placer = fit.Placer(guest, packing=packing)

    def on(self, hosts: Sequence[Host]) -> list[Found]:
        """Give what comes of the guest on hosts, in their order."""
        if self.guest.devices:
            return [self._with_devices(host) for host in hosts]
        return [
            Misfit(TooManySets()) if found is fit.UNDECIDED else found
            for found in self._placer.place_all(hosts, self._allowance.part)
        ]

    def why_not(self, host: Host) -> Claim | Misfit:
        """Give the reason for which it does not fit a host."""
        if self.guest.devices:
            return self._with_devices(host)
        return self._placer.explain(host, self._allowance.part())

    def _with_devices(self, host: Host) -> Claim | Misfit:
        tried = OnHost(host, self.guest, self._packing, self._allowance.part())
        return tried.claim(((),) * len(self.guest.devices))


def needs_threads(guest: Guest) -> bool:
    """Whether a guest may only run on hosts with sibling threads.

    Source: ``NUMATopologyFilter._satisfies_cpu_policy``.
    """
    first = guest.cells[0]
    return (
        first.cpu_policy is CPUPolicy.DEDICATED
        and first.thread_policy is ThreadPolicy.REQUIRE
    )
