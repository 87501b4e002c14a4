"""Hosts and requests to measure with."""

from tests.cloud import machines  # isort: skip  (Nova patches come first)

import dataclasses
import datetime
import random

import nova.conf

from benchmarks.hosts import in_use
from benchmarks.simulation import Shape
from benchmarks.simulation.workload import Requests
from numa_sched import cpumask
from numa_sched.nova.unread import Unread
from numa_sched.topology import CellLayout, Host, HostCell
from tests.builders import make_cell, make_host
from tests.functional.scheduler.requests import make_host_state, make_request

LARGE_CPUS = 16
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def configure():
    """Have Nova's options at their defaults, without any file."""
    nova.conf.CONF([], default_config_files=[])


def hosts(count, cells, threads, own_layouts=False):
    """Give hosts of one kind, each in use in a way of its own.

    :param own_layouts: whether each numbers its CPUs in a way of its own, too
    """
    made = [
        in_use(number, cells, threads, random.Random(number))
        for number in range(count)
    ]
    return list(map(_renumbered, made)) if own_layouts else made


def _renumbered(host):
    """Give a host with the numbers of its CPUs shuffled."""
    cpus = [
        cpu
        for cell in host.layout.cells
        for cpu in cpumask.ids(cell.shared | cell.dedicated)
    ]
    shuffled = random.Random(host.name).sample(cpus, len(cpus))
    number_of = dict(zip(cpus, shuffled, strict=True))

    def renumbered(mask):
        return cpumask.from_ids(number_of[cpu] for cpu in cpumask.ids(mask))

    return Host.of(
        host.name,
        [
            dataclasses.replace(
                cell,
                pinned=renumbered(cell.pinned),
                layout=dataclasses.replace(
                    cell.layout,
                    shared=renumbered(cell.layout.shared),
                    dedicated=renumbered(cell.layout.dedicated),
                    siblings=tuple(map(renumbered, cell.layout.siblings)),
                ),
            )
            for cell in host.cells
        ],
    )


def telco(count):
    """Give empty hosts of 2 x 12 cores x 2 threads with 1 GiB pages."""
    return [
        make_host(
            *(
                make_cell(
                    cell,
                    cpus=24,
                    threads=2,
                    first=24 * cell,
                    memory_mb=131072,
                    pages=((4, 4 * 2**20), (1048576, 112)),
                )
                for cell in range(2)
            ),
            name=f'host{number}',
        )
        for number in range(count)
    ]


def recorded(count):
    """Give empty hosts of three kinds of real machines, in turn."""
    kinds = (machines.XEON_4P, machines.XEON_WORKER, machines.XEON_4P_36)
    return [
        _machine(kinds[number % len(kinds)], f'host{number}')
        for number in range(count)
    ]


def _machine(machine, name):
    return Host.of(
        name,
        [
            HostCell(
                CellLayout(
                    cell.id,
                    cell.socket,
                    dedicated=cpumask.from_ids(
                        thread for core in cell.cores for thread in core
                    ),
                    siblings=tuple(map(cpumask.from_ids, cell.cores)),
                    page_sizes_kb=(4,),
                ),
                memory_mb=cell.memory_mb,
                pages_total=(cell.memory_mb * 256,),
                pages_used=(0,),
                pages_reserved=(0,),
            )
            for cell in machine.cells
        ],
    )


FLEETS = {'telco': telco, 'trace': recorded}

# The most frequent CPUs and MiB of the requests in the Alibaba cluster trace
# of GPU servers of 2023 (openb_pod_list_default.csv); how often each comes.
_TRACE = (
    (4, 5600, 1592),
    (12, 49152, 861),
    (12, 47104, 786),
    (8, 30516, 649),
    (12, 48128, 534),
    (13, 57344, 364),
    (32, 49152, 284),
    (20, 64512, 255),
    (10, 41560, 195),
    (4, 22888, 189),
    (4, 15258, 182),
    (12, 24576, 162),
    (16, 58368, 158),
    (5, 10600, 152),
    (4, 30516, 136),
    (16, 51200, 120),
)

REQUESTS = {
    'telco': Requests(
        'telco',
        [
            Shape(
                f'{cpus} CPUs on {cells}',
                cpus,
                cpus * 4096,
                (
                    ('hw:cpu_policy', 'dedicated'),
                    ('hw:numa_nodes', str(cells)),
                    ('hw:mem_page_size', '1GB'),
                ),
            )
            for cpus, cells in (
                (2, 1),
                (4, 1),
                (8, 1),
                (12, 1),
                (16, 1),
                (24, 2),
                (32, 2),
            )
        ],
        (25, 25, 20, 10, 10, 5, 5),
    ),
    # As many cells as it takes on these machines.
    'trace': Requests(
        'trace',
        [
            Shape(
                f'{cpus} CPUs, {memory_mb} MiB',
                cpus,
                memory_mb,
                (
                    ('hw:cpu_policy', 'dedicated'),
                    ('hw:numa_nodes', '1' if cpus <= 16 else '2'),
                ),
            )
            for cpus, memory_mb, _ in _TRACE
        ],
        [count for _, _, count in _TRACE],
    ),
}

# What there is to be room for, where room is kept: the largest, one of each.
WANTED = {
    name: [
        (shape, 1) for shape in requests.shapes if shape.vcpus >= LARGE_CPUS
    ]
    for name, requests in REQUESTS.items()
}


def host_states(values):
    """Give fresh host states, as Nova makes them anew at each request."""
    return [
        make_host_state(value, uuid=value.name, updated=LONG_AGO)
        for value in values
    ]


def unread_states(values):
    """Give fresh host states whose topologies are text, as in their rows."""
    states = host_states(values)
    for state in states:
        text = state.numa_topology._to_json()
        state.numa_topology = state.pci_stats.numa_topology = Unread(text)
    return states


def with_devices(values):
    """Give each host with the pools of a device near each cell but one."""
    return [
        (value, [(cell.id, '1', 1) for cell in value.layout.cells[1:]])
        for value in values
    ]


def states_with_devices(values):
    """Give fresh host states of hosts with pools."""
    return [
        make_host_state(value, pools=pools, uuid=value.name, updated=LONG_AGO)
        for value, pools in values
    ]


def request(cells, cpus_per_cell=2, devices=0):
    """Give a request of a pinned guest with huge pages.

    :param devices: how many requests for a device it makes
    """
    return make_request(
        {
            'hw:cpu_policy': 'dedicated',
            'hw:numa_nodes': str(cells),
            'hw:mem_page_size': 'large',
        },
        vcpus=cells * cpus_per_cell,
        ram=2048 * cells,
        pci=[('1', 1, 'legacy')] * devices,
    )


__all__ = [
    'FLEETS',
    'REQUESTS',
    'WANTED',
    'configure',
    'host_states',
    'hosts',
    'machines',
    'request',
    'states_with_devices',
    'unread_states',
    'with_devices',
]
