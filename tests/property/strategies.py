"""Hosts and guests for hypothesis: small, odd, and close to full."""

import dataclasses

from hypothesis import assume
from hypothesis import strategies as st

from numa_sched import cpumask, fit
from numa_sched.topology import (
    CellLayout,
    CPUPolicy,
    DeviceAffinity,
    Guest,
    GuestCell,
    Host,
    HostCell,
    HostLayout,
    PageSize,
    ThreadPolicy,
)
from tests.builders import make_pools
from tests.cloud import machines

PHYSNETS = ('one', 'two')
SIZES_KB = (4, 2048, 1048576)


@st.composite
def host_cells(draw, cell_id, style, threads):
    """Give a cell; ids are kept apart by 64 CPUs each."""
    cores = draw(st.integers(0, 4))
    first = cell_id * 64
    siblings = [
        cpumask.from_ids(range(at, at + threads))
        for at in range(first, first + cores * threads, threads)
    ]
    everything = sum(siblings)
    if style == 'legacy':
        shared = dedicated = everything
    else:
        shared = sum(core for core in siblings if draw(st.integers(0, 3)) == 0)
        dedicated = everything & ~shared
    pinned = (
        sum(1 << cpu for cpu in cpumask.ids(dedicated) if draw(st.booleans()))
        if draw(st.booleans())
        else 0
    )
    memory_mb = draw(st.sampled_from((0, 512, 1024, 2048)))
    physnets = draw(
        st.none() | st.frozensets(st.sampled_from(PHYSNETS), max_size=2)
    )
    sizes, *pages = draw(page_tables())
    layout = CellLayout(
        id=cell_id,
        socket=draw(st.sampled_from((0, 0, 1, None))),
        shared=shared,
        dedicated=dedicated,
        siblings=tuple(siblings),
        page_sizes_kb=sizes,
        physnets=physnets,
        tunneled=physnets is not None and draw(st.booleans()),
    )
    return HostCell(
        layout,
        memory_mb,
        draw(st.sampled_from((0, 256, 512))),
        draw(st.integers(0, 4)),
        pinned,
        *pages,
    )


@st.composite
def page_tables(draw):
    """Give page sizes, and total, reserved and used pages of each."""
    if draw(st.integers(0, 3)) == 0:
        return (), (), (), ()
    chosen = draw(st.sets(st.sampled_from(SIZES_KB), min_size=1))
    rows = []
    for size in draw(st.permutations(sorted(chosen))):
        total = draw(st.sampled_from((512, 1024, 2048))) * 1024 // size
        reserved = draw(st.sampled_from((0, 0, total // 4)))
        rows.append(
            (size, total, reserved, draw(st.sampled_from((0, total // 2))))
        )
    return tuple(zip(*rows, strict=True))


@st.composite
def hosts(draw, max_cells=4):
    """Give a host whose cells have ids that are not always contiguous."""
    style = draw(st.sampled_from(('split', 'split', 'legacy')))
    threads = draw(st.sampled_from((1, 2, 2, 4, 8)))
    ids = draw(
        st.lists(
            st.integers(0, 5), min_size=1, max_size=max_cells, unique=True
        )
    )
    cells = []
    for cell_id in ids:
        cell = draw(host_cells(cell_id, style, threads))
        cells.append(cell)
    return Host.of(
        'host',
        cells,
        cpu_allocation_ratio=draw(st.sampled_from((1.0, 0.5, 2.0, 16.0))),
        ram_allocation_ratio=draw(st.sampled_from((1.0, 0.5, 1.5))),
    )


@st.composite
def real_hosts(draw):
    """Give a real machine, with some of it in use."""
    machine = draw(st.sampled_from(machines.ALL))
    threads = draw(st.sampled_from(('all', 'first')))
    cells = []
    for cell in machine.cells:
        cores = [core if threads == 'all' else core[:1] for core in cell.cores]
        siblings = tuple(map(cpumask.from_ids, cores))
        dedicated = sum(siblings)
        totals = (
            cell.memory_mb * 128,
            draw(st.sampled_from((0, 512, 4096))),
            draw(st.sampled_from((0, 1, 8))),
        )
        pinned = sum(core for core in siblings if draw(st.integers(0, 2)) == 0)
        cells.append(
            HostCell(
                CellLayout(
                    cell.id,
                    cell.socket,
                    dedicated=dedicated,
                    siblings=siblings,
                    page_sizes_kb=SIZES_KB,
                ),
                cell.memory_mb,
                memory_used_mb=draw(st.sampled_from((0, 512))),
                pinned=pinned,
                pages_total=totals,
                pages_reserved=(0, 0, 0),
                pages_used=tuple(
                    draw(st.sampled_from((0, total // 2, total)))
                    for total in totals
                ),
            )
        )
    return Host.of(machine.name, cells)


@st.composite
def hosts_of_one_form(draw):
    """Give some hosts that differ in what is in use, and in devices.

    And in the numbers of their CPUs.
    """
    first = draw(hosts() | real_hosts())
    numbered = [
        first,
        dataclasses.replace(
            first,
            layout=_renumbered(first.layout, 3),
            pinned=tuple(mask << 3 for mask in first.pinned),
        ),
    ]
    return [
        first,
        *(
            draw(_in_other_use(draw(st.sampled_from(numbered))))
            for _ in range(3)
        ),
    ]


def _renumbered(layout, by):
    """Give a layout whose CPUs have higher numbers."""
    return HostLayout(
        tuple(
            dataclasses.replace(
                cell,
                shared=cell.shared << by,
                dedicated=cell.dedicated << by,
                siblings=tuple(core << by for core in cell.siblings),
            )
            for cell in layout.cells
        )
    )


@st.composite
def _in_other_use(draw, host):
    cells = host.layout.cells
    pinned = [draw(st.integers(0, 2**64 - 1)) for _ in cells]
    return dataclasses.replace(
        host,
        memory_used_mb=tuple(
            draw(st.sampled_from((0, 256, 512, 2**60))) for _ in cells
        ),
        shared_used=tuple(draw(st.integers(0, 4)) for _ in cells),
        pinned=tuple(
            cell.dedicated & (mask | mask << 64 * cell.id)
            for cell, mask in zip(cells, pinned, strict=True)
        ),
        pages_used=tuple(
            draw(st.sampled_from((0, total // 2, total, total + 1)))
            for total in host.pages_total
        ),
        cpu_allocation_ratio=draw(st.sampled_from((0.0, 1.0, 4.0))),
        ram_allocation_ratio=draw(st.sampled_from((0.9, 1.0, 1e308))),
        pools=make_pools(draw(st.sampled_from(((), (), ((cells[0].id, 1),))))),
        spares_devices=draw(st.booleans()),
    )


@st.composite
def guests(draw, max_cells=4, alike=None):
    """Give a guest; policies are the same for all its cells, as in Nova."""
    policy = draw(st.sampled_from((*CPUPolicy, CPUPolicy.DEDICATED)))
    threads = (
        None
        if policy is CPUPolicy.SHARED
        else draw(st.sampled_from((None, *ThreadPolicy)))
    )
    page_size = draw(st.sampled_from((None, None, *PageSize, *SIZES_KB)))
    count = draw(st.integers(1, max_cells))
    alike = draw(st.booleans()) if alike is None else alike

    def cell():
        shared = (
            0 if policy is CPUPolicy.DEDICATED else draw(st.integers(0, 4))
        )
        fewest = 0 if shared else 1
        return GuestCell(
            memory_mb=draw(st.sampled_from((256, 512, 1024, 255))),
            shared=shared,
            dedicated=(
                0
                if policy is CPUPolicy.SHARED
                else draw(st.integers(fewest, 6))
            ),
            cpu_policy=policy,
            thread_policy=threads,
            page_size=page_size,
        )

    first = cell()
    return Guest(
        cells=(first,) * count
        if alike
        else (first, *(cell() for _ in range(count - 1))),
        isolate_emulator=policy is not CPUPolicy.SHARED
        and draw(st.integers(0, 2)) == 0,
        physnets=draw(
            st.just(frozenset())
            | st.frozensets(st.sampled_from((*PHYSNETS, 'far')), max_size=2)
        ),
        tunneled=draw(st.integers(0, 2)) == 0,
    )


@st.composite
def claims(draw):
    """Give the claim of a guest on a host, an empty one or one in use."""
    host = draw(hosts() | real_hosts())
    for _ in range(8):
        claim = fit.fit(host, draw(guests()))
        if claim:
            return claim
    assume(False)


def device_pools(host):
    """Give pools of devices as (cell or None, product, count)."""
    nodes = [cell.id for cell in host.cells]
    return st.lists(
        st.tuples(
            st.sampled_from((*nodes, None)),
            st.sampled_from(('1', '2')),
            st.integers(1, 2),
        ),
        max_size=5,
        unique_by=lambda pool: pool[:2],
    )


device_affinities = st.sampled_from(DeviceAffinity)

device_wishes = st.lists(
    st.tuples(
        st.sampled_from(('1', '2', None)),
        st.integers(1, 2),
        st.sampled_from(('required', 'legacy', 'preferred', 'socket', None)),
    ),
    min_size=1,
    max_size=2,
)
