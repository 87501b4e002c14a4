"""What a guest needs of a host, counted: so that some need not be tried."""

from collections.abc import Sequence

from numa_sched.fleet import Seat
from numa_sched.plan.kinds import Kind
from numa_sched.plan.state import State
from numa_sched.topology import GuestCell, Host, ThreadPolicy


class Needs:
    """The CPUs and pages that one kind needs of one host."""

    def __init__(self, kind: Kind, state: State, host: int):
        """Count what is free."""
        self._state = state
        self._cells: tuple[GuestCell, ...] = ()
        self._free: dict[int, tuple[int, int]] = {}
        guest, topology = kind.request.guest, state.host(host).host
        if guest is None or topology is None:
            return
        self._cells = guest.cells
        # Of the cell that wants least; the others want no less.
        self._cpus = min(cell.dedicated for cell in guest.cells)
        self._mb = min(cell.memory_mb for cell in guest.cells)
        sizes = {cell.page_size for cell in guest.cells}
        (size,) = sizes if len(sizes) == 1 else (None,)
        # Of a size that is not told any pages may do.
        self._size = size if size and size > 0 else None
        self._threads = max(topology.layout.form.threads_per_core)
        self._free = self._count(topology)

    def _count(self, topology: Host) -> dict[int, tuple[int, int]]:
        """Give for each cell free CPUs and free MiB, by its id."""
        found = {}
        for cell in topology.cells:
            free_mb = 0
            if self._size in cell.layout.page_sizes_kb:
                at = cell.layout.page_sizes_kb.index(self._size)
                free_mb = cell.pages_free_kb(at) // 1024
            found[cell.id] = cell.free.bit_count(), free_mb
        return found

    def may_be_met_without(self, numbers: Sequence[int]) -> bool:
        """Whether there might be enough once some servers have left."""
        if not self._cells:
            return True
        free = dict(self._free)
        for number in numbers:
            server = self._state.cloud.fleet.servers[number]
            if server.guest is None:
                continue
            seats = self._state.sitting(number).seats
            for cell, seat in zip(server.guest.cells, seats, strict=False):
                if seat.cell in free:
                    cpus, free_mb = free[seat.cell]
                    free[seat.cell] = (
                        cpus + self._given_back(cell, seat),
                        free_mb + cell.memory_mb,
                    )
        enough = sum(
            cpus >= self._cpus and (self._size is None or free_mb >= self._mb)
            for cpus, free_mb in free.values()
        )
        return enough >= len(self._cells)

    def _given_back(self, cell: GuestCell, seat: Seat) -> int:
        cpus = seat.pinned.bit_count()
        if cell.thread_policy is ThreadPolicy.ISOLATE:
            return cpus * self._threads
        return cpus
