"""What is asked of the chosen host cells as a set."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol

from numa_sched.topology import Guest, Host


class Need(NamedTuple):
    """So much that host cells have to bring together.

    ``brings`` tells what each cell of the host brings, by its index, and not
    more than the amount. Of cells with the same number in ``groups`` all
    bring the same, and it counts once.
    """

    amount: int
    brings: tuple[int, ...]
    groups: tuple[int, ...] | None = None

    def met(self, indexes: Sequence[int]) -> bool:
        """Whether host cells, by their indexes, bring enough."""
        brings, groups = self.brings, self.groups
        if groups is None:
            return sum([brings[index] for index in indexes]) >= self.amount
        once = {groups[index]: brings[index] for index in indexes}
        return sum(once.values()) >= self.amount


class SetConstraint(Protocol):
    """Something that a set of host cells satisfies or not.

    ``what`` completes the sentence "no cells that the guest fits ...".
    ``needs`` are met by every set that satisfies it; ``exact`` tells that a
    set which meets them does. ``steps`` is the work of one question.
    ``max_asked`` is how often a claim may ask until it takes too long, None
    if it may always go on.
    """

    what: str
    needs: Sequence[Need]
    exact: bool
    steps: int
    max_asked: int | None

    def key(self, index: int) -> Hashable:
        """Give what tells a host cell from others that bring the same."""

    def accepts(self, indexes: Sequence[int]) -> bool:
        """Whether a set of cells of the host will do, in any order."""


class NetworkAffinity:
    """Networks of the guest that some cells of the host are near to.

    A network that the host knows to be near some cell must be near a chosen
    one; a network that it says nothing about may be anywhere. Source:
    ``nova.virt.hardware._numa_cells_support_network_metadata``.
    """

    what = 'are near the physical or tunneled networks it asks for'
    exact = True
    steps = 1
    max_asked: int | None = None

    def __init__(self, host: Host, guest: Guest):
        cells = host.layout.cells
        near = [
            [name in (cell.physnets or ()) for cell in cells]
            for name in sorted(guest.physnets)
        ]
        if guest.tunneled:
            near.append([cell.tunneled for cell in cells])
        # What is near the same cells is one need.
        self.needs: Sequence[Need] = tuple(
            Need(1, brings)
            for brings in dict.fromkeys(
                tuple(map(int, each)) for each in near if any(each)
            )
        )

    def key(self, index: int) -> None:
        """Give nothing: the needs tell all."""

    def accepts(self, indexes: Sequence[int]) -> bool:
        """Whether all wanted networks are near some of the cells."""
        return all(need.met(indexes) for need in self.needs)
