"""Layouts of hosts that are told in columns.

Of most hosts nobody ever looks at the cells one by one, and making them takes
longer than all else that is done for a host seen for the first time.
"""

import dataclasses
import itertools
import operator

from numa_sched.topology.form import HostForm, host_form
from numa_sched.topology.host import CellLayout, HostLayout


@dataclasses.dataclass(frozen=True, slots=True)
class LayoutColumns:
    """What is told of the cells of a host, each with an item for each cell.

    ``shared`` and ``dedicated`` are masks of CPUs. ``cores`` are those of one
    cell after the other, as masks too, and ``core_counts`` how many each cell
    has. ``networks`` are physical networks and whether tunnels end there;
    None for a cell that does not tell. The rest is as in
    :class:`~numa_sched.topology.CellLayout`.
    """

    ids: tuple[int, ...]
    sockets: tuple[int | None, ...]
    shared: tuple[int, ...]
    dedicated: tuple[int, ...]
    cores: tuple[int, ...]
    core_counts: tuple[int, ...]
    page_sizes_kb: tuple[tuple[int, ...], ...]
    networks: tuple[tuple[frozenset[str], bool] | None, ...]

    def layout(self) -> HostLayout:
        """Give the layout, with the cells made when they are asked for.

        :raises TopologyError: if the layout makes no sense
        """
        form = self._usual_form()
        if form is None:
            return HostLayout(self.cells())
        foreign = tuple(map(operator.invert, self.dedicated))
        return HostLayout.with_cells_later(form, foreign, self.cells)

    def cells(self) -> tuple[CellLayout, ...]:
        """Give the cells.

        :raises TopologyError: if one makes no sense
        """
        cores = iter(self.cores)
        return tuple(
            CellLayout(
                id=cell_id,
                socket=socket,
                shared=shared,
                dedicated=dedicated,
                siblings=tuple(itertools.islice(cores, count)),
                page_sizes_kb=sizes,
                physnets=near[0] if near else None,
                tunneled=bool(near and near[1]),
            )
            for cell_id, socket, shared, dedicated, count, sizes, near in zip(
                self.ids,
                self.sockets,
                self.shared,
                self.dedicated,
                self.core_counts,
                self.page_sizes_kb,
                self.networks,
                strict=True,
            )
        )

    def _usual_form(self) -> HostForm | None:
        """Give the form of a host like nearly all, None for any other.

        That is one where each CPU belongs to a core and all cores have as
        many threads. Where it is told wrongly, the cells will say what is
        wrong.
        """
        cpus = tuple(map(operator.or_, self.shared, self.dedicated))
        counts = tuple(map(int.bit_count, cpus))
        threads = self.cores[0].bit_count() if self.cores else 0
        sizes = filter(None, set(self.page_sizes_kb))
        if not (
            threads
            and list(map(int.bit_count, self.cores)).count(threads)
            == len(self.cores)
            and threads * len(self.cores) == sum(counts)
            # A sum has the bits of all its terms only if no two have the same
            # one, which is carried over: the counts say that none is.
            and cpus == self._cpus_of_cores()
            and sum(cpus).bit_count() == sum(counts)
            and len(set(self.ids)) == len(self.ids)
            and min(self.ids) >= 0
            and min(map(min, sizes), default=1) > 0
        ):
            return None
        return host_form(
            self.ids,
            self.sockets,
            tuple(map(int.bit_count, self.shared)),
            tuple(map(int.bit_count, self.dedicated)),
            tuple(map(operator.eq, self.shared, self.dedicated)),
            tuple([threads if count else 1 for count in counts]),
            tuple(map(bool, counts)),
            self.page_sizes_kb,
        )

    def _cpus_of_cores(self) -> tuple[int, ...]:
        """Give for each cell the CPUs of its cores, if no two share one."""
        cores = iter(self.cores)
        return tuple(
            [sum(itertools.islice(cores, count)) for count in self.core_counts]
        )
