"""Hosts and guests for tests, with only what a test cares about spelt out."""

from numa_sched import cpumask
from numa_sched.topology import (
    CellLayout,
    CPUPolicy,
    DeviceKind,
    DevicePool,
    DeviceRequest,
    Guest,
    GuestCell,
    Host,
    HostCell,
    ThreadPolicy,
)

DEDICATED = CPUPolicy.DEDICATED
MIXED = CPUPolicy.MIXED
SHARED = CPUPolicy.SHARED

SMALL_KB, HUGE_KB, GIANT_KB = 4, 2048, 1048576


def mask(*ids):
    """Give the mask of CPU ids."""
    return cpumask.from_ids(ids)


def make_cell(
    id=0,
    *,
    cpus=4,
    threads=1,
    first=None,
    shared=False,
    legacy=False,
    pinned=(),
    memory_mb=4096,
    pages=(),
    **fields,
):
    """Give a host cell of ``cpus`` CPUs, numbered through, dedicated ones.

    :param first: the first CPU; a cell's id times 64 if not given
    :param shared: whether the CPUs are shared ones
    :param legacy: whether they are both, as with ``vcpu_pin_set``
    :param pages: tuples of page size in KiB, total, and perhaps used, reserved
    """
    first = id * 64 if first is None else first
    numbers = range(first, first + cpus)
    everything = cpumask.from_ids(numbers)
    usage = {
        name: fields.pop(name)
        for name in ('memory_used_mb', 'shared_used')
        if name in fields
    }
    layout = CellLayout(
        id=id,
        shared=everything if shared or legacy else 0,
        dedicated=0 if shared else everything,
        siblings=tuple(
            cpumask.from_ids(numbers[at : at + threads])
            for at in range(0, cpus, threads)
        ),
        page_sizes_kb=tuple(size for size, *_ in pages),
        **fields,
    )
    counts = [(*each, 0, 0)[1:4] for each in pages]
    return HostCell(
        layout=layout,
        memory_mb=memory_mb,
        pinned=cpumask.from_ids(pinned),
        pages_total=tuple(total for total, _, _ in counts),
        pages_used=tuple(used for _, used, _ in counts),
        pages_reserved=tuple(reserved for _, _, reserved in counts),
        **usage,
    )


def kind(**properties) -> DeviceKind:
    """Give a kind of PCI devices."""
    return frozenset(properties.items())


NIC, GPU = kind(product_id='1'), kind(product_id='2')
A_DEVICE = (DeviceRequest(),)


def make_pools(devices):
    """Give pools of one kind, from (cell, count)."""
    return tuple(DevicePool(cell, NIC, count) for cell, count in devices)


def make_host(*cells, name='host', devices=(), **fields):
    """Give a host; a number among the cells is a cell of so many CPUs.

    :param devices: PCI devices of one kind, as (cell, count)
    """
    if devices:
        fields['pools'] = make_pools(devices)
    return Host.of(
        name,
        [
            make_cell(index, cpus=cell) if isinstance(cell, int) else cell
            for index, cell in enumerate(cells)
        ],
        **fields,
    )


def make_guest_cell(
    dedicated=0,
    *,
    shared=0,
    memory_mb=512,
    policy=None,
    threads=None,
    **fields,
):
    """Give a guest cell, pinned if it asks for dedicated CPUs."""
    return GuestCell(
        memory_mb=memory_mb,
        shared=shared,
        dedicated=dedicated,
        cpu_policy=policy or (DEDICATED if dedicated else SHARED),
        thread_policy=ThreadPolicy(threads) if threads else None,
        **fields,
    )


def make_guest(*cells, **fields):
    """Give a guest; a number among the cells is so many dedicated CPUs."""
    return Guest(
        cells=tuple(
            make_guest_cell(cell) if isinstance(cell, int) else cell
            for cell in cells
        ),
        **fields,
    )


class Needs:
    """A constraint: some cells of the host, by their indexes."""

    what = 'have what it needs'
    needs = ()
    exact = False
    steps = 1
    max_asked = None

    def __init__(self, *indexes):
        self.indexes = set(indexes)
        self.asked = 0

    def key(self, index):
        """Tell the wanted cells from the others."""
        return index if index in self.indexes else None

    def accepts(self, indexes):
        """Whether they are all there."""
        self.asked += 1
        return self.indexes <= set(indexes)
