"""What is asked of the chosen host cells as a set."""

from collections.abc import Hashable, Sequence
from typing import Protocol

from numa_sched.topology import Guest, Host, HostCell


class SetConstraint(Protocol):
    """Something that a set of host cells satisfies or not.

    ``what`` completes the sentence "no cells that the guest fits ...".
    """

    what: str

    def key(self, cell: HostCell) -> Hashable:
        """Give the class of a cell: equal ones may stand for each other."""

    def accepts(self, cells: Sequence[HostCell]) -> bool:
        """Whether a set of cells of one host will do, in any order."""


class NetworkAffinity:
    """Networks of the guest that some cells of the host are near to.

    A network that the host knows to be near some cell must be near a chosen
    one; a network that it says nothing about may be anywhere. Source:
    ``nova.virt.hardware._numa_cells_support_network_metadata``.
    """

    what = 'are near the physical or tunneled networks it asks for'

    def __init__(self, host: Host, guest: Guest):
        known = frozenset().union(
            *(cell.layout.physnets or () for cell in host.cells)
        )
        self.physnets = guest.physnets & known
        self.tunneled = guest.tunneled and any(
            cell.layout.tunneled for cell in host.cells
        )

    def key(self, cell: HostCell) -> Hashable:
        """Give the wanted networks that are near a cell."""
        return (
            tuple(
                sorted(self.physnets & (cell.layout.physnets or frozenset()))
            ),
            self.tunneled and cell.layout.tunneled,
        )

    def accepts(self, cells: Sequence[HostCell]) -> bool:
        """Whether all wanted networks are near some of the cells."""
        near = frozenset().union(
            *(cell.layout.physnets or () for cell in cells)
        )
        return self.physnets <= near and (
            not self.tunneled or any(cell.layout.tunneled for cell in cells)
        )


class Remembered:
    """A constraint that is asked about each set of cells only once."""

    def __init__(self, constraint: SetConstraint):
        self.what, self.key = constraint.what, constraint.key
        self._ask = constraint.accepts
        self._answers: dict[frozenset[int], bool] = {}

    def accepts(self, cells: Sequence[HostCell]) -> bool:
        """Give what the constraint says of the set of cells."""
        ids = frozenset(cell.id for cell in cells)
        if ids not in self._answers:
            self._answers[ids] = self._ask(cells)
        return self._answers[ids]
