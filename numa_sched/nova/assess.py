"""Whether a request fits a host, from Nova's objects to a verdict."""

import nova.conf

from numa_sched import fit
from numa_sched.fit.claim import Claim
from numa_sched.fit.reasons import Misfit
from numa_sched.nova import convert
from numa_sched.nova.pci import PCIAffinity
from numa_sched.topology import Guest, Host

CONF = nova.conf.CONF


def assess(
    host_state, host: Host, guest: Guest, requests, candidate
) -> Claim | Misfit:
    """Give the claim that a guest would make on a host, or why it does not.

    :param host: the host state as a value
    :param guest: the request as a value
    :param requests: the PCI requests of the request
    :param candidate: an allocation candidate of the host
    """
    constraints = []
    if requests and host_state.pci_stats:
        constraints.append(
            PCIAffinity(host_state.pci_stats, requests, candidate['mappings'])
        )
    return fit.fit(
        host,
        guest,
        constraints,
        packing=CONF.compute.packing_host_numa_cells_allocation_strategy,
    )


def first_claim(host_state, guest: Guest, request_spec) -> Claim | Misfit:
    """Give the claim for the candidate that Nova would take: the first.

    :raises TopologyError: if the host's topology makes no sense
    """
    candidates = host_state.allocation_candidates or [{'mappings': {}}]
    return assess(
        host_state,
        convert.host(host_state),
        guest,
        convert.pci_requests(request_spec),
        candidates[0],
    )
