"""All guest cells of a guest against all cells of one host."""

from numa_sched.fit.cell import check_cell
from numa_sched.fit.reasons import CellMisfit
from numa_sched.topology import Guest, GuestCell, Host, HostCell


class Pairs:
    """What comes of pairs of cells, each worked out when first asked for."""

    def __init__(self, host: Host, guest: Guest):
        """Take the two."""
        self.host, self.guest = host, guest
        self._cells: dict[int, HostCell] = {}
        self._checked: dict[
            tuple[GuestCell, int], dict[int, int | CellMisfit | None]
        ] = {}

    def host_cell(self, index: int) -> HostCell:
        """Give the cell of the host at an index."""
        cell = self._cells.get(index)
        if cell is None:
            cell = self._cells[index] = self.host.cell(index)
        return cell

    def check(
        self, index: int, wanted: GuestCell, place: int
    ) -> int | CellMisfit | None:
        """Give what :func:`~numa_sched.fit.cell.check_cell` gives.

        :param index: of the host cell
        :param wanted: a guest cell, perhaps with another page size than the
            guest has asked for
        :param place: which cell of the guest that is
        """
        found = self._checked.setdefault(
            (wanted, self.guest.reserved(place)), {}
        )
        if index not in found:
            found[index] = check_cell(
                self.host_cell(index),
                wanted,
                reserved=self.guest.reserved(place),
                cpu_ratio=self.host.cpu_allocation_ratio,
                ram_ratio=self.host.ram_allocation_ratio,
            )
        return found[index]

    def row(self, place: int) -> dict[int, int | CellMisfit | None]:
        """Give what comes of a guest cell on each host cell, by index."""
        wanted = self.guest.cells[place]
        return {
            index: self.check(index, wanted, place)
            for index in range(len(self.host.layout.cells))
        }
