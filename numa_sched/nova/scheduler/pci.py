"""PCI devices that placement has chosen, by allocation candidate."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from numa_sched.fit import devices
from numa_sched.fit.claim import Claim


class Candidate(TypedDict):
    """What is looked at of an allocation candidate, as Nova keeps it."""

    mappings: Mapping[str, list[str]]


def chosen_providers(
    pci_stats, requests: Sequence[Any], mapping: Mapping[str, list[str]]
) -> tuple[tuple[str, ...], ...]:
    """Give, for each request, the providers that are to give the devices.

    One that is to give several stands there as often; a request for which
    placement has not chosen has none. That is Nova's own answer.

    :param mapping: that of an allocation candidate of the host
    """
    return tuple(
        tuple(pci_stats._get_rp_uuids_for_request(mapping, request))
        for request in requests
    )


def order_candidates(
    pci_stats, claims: Sequence[tuple[Candidate, Claim]]
) -> list[Candidate]:
    """Give allocation candidates, those with the nearest devices first.

    Only devices that placement knows differ from candidate to candidate. Those
    that are equally near stay in their order.

    :param claims: candidates, each with the claim that it leads to
    """
    cells = {
        pool['rp_uuid']: pool.get('numa_node')
        for pool in (pci_stats.pools if pci_stats else ())
        if pool.get('rp_uuid')
    }

    def remoteness(item: tuple[Candidate, Claim]):
        candidate, claim = item
        return devices.remoteness(
            claim,
            [
                cells[provider]
                for providers in candidate['mappings'].values()
                for provider in providers
                if provider in cells
            ],
        )

    return [candidate for candidate, _ in sorted(claims, key=remoteness)]
