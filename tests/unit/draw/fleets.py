"""Hosts, servers and whole fleets to draw."""

import itertools

from numa_sched import cpumask
from numa_sched.fleet import Flavor, Fleet, FleetHost, Seat, Server
from numa_sched.topology import (
    CellLayout,
    DevicePool,
    Guest,
    GuestCell,
    Host,
    HostCell,
)
from tests.builders import (
    DEDICATED,
    GIANT_KB,
    HUGE_KB,
    SMALL_KB,
    kind,
    make_cell,
    make_host,
    mask,
)

UUID = '00000000-0000-0000-0000-{:012d}'
NIC = kind(
    vendor_id='8086',
    product_id='154d',
    dev_type='type-vf',
    physical_network='physnet1',
)


def make_fleet_host(host=None, name='node1', **fields):
    fields.setdefault('nodename', name)
    return FleetHost(name, uuid=UUID.format(1), host=host, **fields)


def make_server(
    name,
    seats=(),
    *,
    number=None,
    shared=0,
    memory_mb=1024,
    on='node1',
):
    """Give a server; seats are (cell id, CPUs), or with pages in KiB too."""
    number = sum(map(ord, name)) if number is None else number
    seats = tuple(
        Seat(cell, cpumask.from_ids(cpus), *pages)
        for cell, cpus, *pages in seats
    )
    cells = tuple(
        GuestCell(
            memory_mb,
            dedicated=seat.pinned.bit_count(),
            shared=0 if seat.pinned else shared,
            cpu_policy=DEDICATED,
        )
        if seat.pinned
        else GuestCell(memory_mb, shared=shared)
        for seat in seats
    )
    vcpus = shared + sum(seat.pinned.bit_count() for seat in seats)
    return Server(
        UUID.format(number),
        name,
        'project',
        on,
        on,
        Flavor(f'c{vcpus}', vcpus, memory_mb * max(len(seats), 1)),
        guest=Guest(cells) if cells else None,
        seats=seats,
    )


def make_paired_cell(
    id, cores, *, of=2, step, first=None, shared=0, pinned=0, **fields
):
    """Give a cell of cores whose threads are ``step`` apart in number.

    :param shared: so many of the cores are for shared CPUs
    :param pinned: mask of CPUs
    """
    first = id * cores if first is None else first
    siblings = tuple(
        mask(*(first + core + thread * step for thread in range(of)))
        for core in range(cores)
    )
    return HostCell(
        CellLayout(
            id,
            fields.pop('socket', id),
            shared=sum(siblings[:shared]),
            dedicated=sum(siblings[shared:]),
            siblings=siblings,
            page_sizes_kb=(SMALL_KB, HUGE_KB, GIANT_KB),
            physnets=fields.pop('physnets', None),
        ),
        memory_mb=131072,
        memory_used_mb=fields.pop('memory_used_mb', 0),
        pinned=pinned,
        pages_total=(8388608, 4096, 88),
        pages_used=(0, fields.pop('huge', 0), fields.pop('giant', 0)),
        pages_reserved=(0, 512, 2),
        **fields,
    )


def make_compute(name='node1', *, number=1, servers=10, cores=20, cells=2):
    """Give a host as they are in a cloud, and its servers.

    Each cell has two cores for shared CPUs; servers have whole cores.
    """
    step = cells * cores
    taken = dict.fromkeys(range(cells), 2)
    found = []
    for index in range(servers):
        cell = (index + number) % cells
        size = (2, 1, 4, 2, 3)[(index * 7 + number) % 5]
        if taken[cell] + size > cores - (number % 7):
            continue
        first = cell * cores + taken[cell]
        taken[cell] += size
        cpus = [
            first + core + thread * step
            for core in range(size)
            for thread in range(2)
        ]
        found.append(
            make_server(
                f'vnf-{number:03d}-{index:02d}',
                [(cell, cpus, GIANT_KB if index % 2 else HUGE_KB)],
                number=number * 1000 + index,
                on=name,
            )
        )
    found.extend(
        make_server(
            f'web-{number:03d}-{index:02d}',
            [(index % cells, ())],
            number=number * 1000 + 500 + index,
            shared=2,
            on=name,
        )
        for index in range(servers - len(found))
    )
    host_cells = []
    for cell in range(cells):
        here = [
            seat
            for server in found
            for seat in server.seats
            if seat.cell == cell
        ]
        pinned = sum(seat.pinned for seat in here)
        host_cells.append(
            make_paired_cell(
                cell,
                cores,
                step=step,
                shared=2,
                pinned=pinned,
                shared_used=2 * sum(not seat.pinned for seat in here),
                memory_used_mb=4096 * len(here),
                huge=512 * sum(seat.page_size_kb == HUGE_KB for seat in here),
                giant=4 * sum(seat.page_size_kb == GIANT_KB for seat in here),
                physnets=frozenset({'physnet1'} if cell == 0 else ()),
            )
        )
    host = Host.of(
        name,
        host_cells,
        cpu_allocation_ratio=4.0,
        pools=(DevicePool(0, NIC, 14), DevicePool(1, NIC, 16)),
    )
    return make_fleet_host(
        host, name, zone=f'az{number % 3 + 1}', up=True
    ), found


def make_cloud(hosts=12, servers=10):
    """Give a fleet of so many hosts, with so many servers each."""
    made = [
        make_compute(
            f'node{number}',
            number=number,
            servers=servers,
            cells=(2, 2, 4, 2, 8)[number % 5],
            cores=(20, 28, 16, 32, 8)[number % 5],
        )
        for number in range(1, hosts + 1)
    ]
    return Fleet(
        tuple(host for host, _ in made),
        tuple(itertools.chain.from_iterable(found for _, found in made)),
    )


def zoo():
    """Give hosts of every kind there is, by what is odd about them."""
    everything = {
        'one cell of one core': make_host(make_cell(cpus=1)),
        'sparse cell ids': make_host(*map(make_cell, (0, 1, 16, 17))),
        'cells not in the order of their ids': make_host(
            make_cell(8), make_cell(0)
        ),
        'a cell of memory only': make_host(
            make_cell(0), make_cell(1, cpus=0, memory_mb=131072)
        ),
        'no siblings told': make_host(
            HostCell(CellLayout(0, dedicated=0b11110000), 4096)
        ),
        'siblings told of some': make_host(
            HostCell(CellLayout(0, dedicated=0b1111, siblings=(0b11,)), 4096)
        ),
        'cores of one and of two threads': make_host(
            HostCell(CellLayout(0, dedicated=0b1111, siblings=(3, 4, 8)), 4096)
        ),
        'four threads a core': make_host(make_cell(cpus=16, threads=4)),
        'eight threads a core': make_host(make_cell(cpus=96, threads=8)),
        '64 cells': make_host(*(make_cell(id, cpus=4) for id in range(64))),
        'cells of unlike sizes': make_host(
            make_cell(0, cpus=2), make_cell(1, cpus=40, threads=2)
        ),
        'shared CPUs only': make_host(
            make_cell(cpus=4, shared=True, shared_used=7),
            cpu_allocation_ratio=1.5,
        ),
        'CPUs for both': make_host(make_cell(legacy=True, pinned=[1])),
        'more memory used than there is': make_host(
            make_cell(memory_used_mb=9000, pages=[(HUGE_KB, 10, 9, 8)])
        ),
        'no memory': make_host(make_cell(memory_mb=0)),
        'the highest CPU there can be': make_host(
            make_cell(cpus=1, first=cpumask.HIGHEST_CPU)
        ),
        'pages of every size': make_host(
            make_cell(
                pages=[(4, 1000), (64, 0), (2048, 7), (16777216, 3, 1, 1)]
            )
        ),
        'devices and networks': make_host(
            make_cell(physnets=frozenset({'physnet2', 'physnet1'})),
            make_cell(1, physnets=frozenset(), tunneled=True),
            pools=(
                DevicePool(0, NIC, 3),
                DevicePool(0, NIC, 4),
                DevicePool(None, kind(vendor_id='10de'), 1),
                DevicePool(9, frozenset(), 2),
            ),
        ),
    }
    hosts = {
        name: make_fleet_host(host, name) for name, host in everything.items()
    }
    hosts['no topology'] = make_fleet_host(None, 'no topology')
    hosts['a topology that makes no sense'] = make_fleet_host(
        None, 'a topology that makes no sense', error='a cell id of -1'
    )
    return hosts
