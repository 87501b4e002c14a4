"""The contract, word for word: every permutation, on copies, no cache."""

import copy
import itertools

from nova import exception
from nova.virt import hardware

from tests.property import nova_objects


def fits(host, guest, accepts=lambda chosen: True):
    """Whether Nova's pairwise rules accept any permutation of host cells."""
    topology = nova_objects.host_topology(host)
    wanted = nova_objects.instance_topology(guest)
    limits = nova_objects.limits(host, guest)
    pairs = {}

    def pair_fits(host_cell, index):
        key = host_cell.id, index
        if key not in pairs:
            pairs[key] = cell_fits(
                host_cell, wanted.cells[index], limits, guest.reserved(index)
            )
        return pairs[key]

    return any(
        all(pair_fits(cell, index) for index, cell in enumerate(chosen))
        and networks_fit(topology, chosen, guest)
        and accepts(chosen)
        for chosen in itertools.permutations(topology.cells, len(guest.cells))
    )


def cell_fits(host_cell, instance_cell, limits, reserved):
    """Whether Nova accepts one pair, seen on copies."""
    try:
        fitted = hardware._numa_fit_instance_cell(
            copy.deepcopy(host_cell),
            copy.deepcopy(instance_cell),
            limits,
            reserved,
        )
        # Not its truth value: a cell without CPUs has a length of 0.
        return fitted is not None
    except exception.MemoryPageSizeNotSupported:
        return False
    except ValueError:
        # max() over the cores of a host cell that tells none.
        assert not host_cell.siblings
        return False


def networks_fit(topology, chosen, guest):
    """Whether Nova accepts a set of cells for the guest's networks."""
    return hardware._numa_cells_support_network_metadata(
        topology, list(chosen), nova_objects.network_metadata(guest)
    )
