"""Hosts, servers and whole fleets to draw."""

import itertools

from numa_sched import cpumask
from numa_sched.fleet import Fleet, FleetHost, Flavor, Seat, Server
from numa_sched.topology import (
    CellLayout,
    DevicePool,
    Guest,
    GuestCell,
    Host,
    HostCell,
)
from tests.builders import DEDICATED, GIANT_KB, HUGE_KB, SMALL_KB, kind, mask

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


def make_server(name, seats=(), *, number=None, shared=0, on='node1'):
    """Give a server; seats are (cell id, CPUs), or with pages in KiB too."""
    number = sum(map(ord, name)) if number is None else number
    seats = tuple(
        Seat(cell, cpumask.from_ids(cpus), *pages)
        for cell, cpus, *pages in seats
    )
    cells = tuple(
        GuestCell(
            1024,
            dedicated=seat.pinned.bit_count(),
            shared=0 if seat.pinned else shared,
            cpu_policy=DEDICATED,
        )
        if seat.pinned
        else GuestCell(1024, shared=shared)
        for seat in seats
    )
    vcpus = shared + sum(seat.pinned.bit_count() for seat in seats)
    return Server(
        UUID.format(number),
        name,
        'project',
        on,
        on,
        Flavor(f'c{vcpus}', vcpus, 1024 * max(len(seats), 1)),
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
