"""The operator's tools on a snapshot of a large cloud.

Each command is run as a process, several times; the least counts, of seconds
by the clock and of the processor. Start-up is that of ``numa-sched --help``,
which imports no more than any command must.
"""

import argparse
import dataclasses
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import prettytable

from numa_sched import fit
from numa_sched.destination import Node
from numa_sched.destination.cpu import HostCPU
from numa_sched.fleet import (
    Asked,
    Flavor,
    Fleet,
    FleetHost,
    Inventory,
    Ranking,
    Seat,
    Server,
    Weighed,
    Weigher,
    snapshot,
)
from numa_sched.topology import Guest, Host
from tests.builders import make_cell, make_guest_cell, make_host

GOAL_S, GOAL_HELP_S, GOAL_READ_S = 3.0, 0.5, 1.0
GIANT_KB = 1048576
TRAITS = frozenset(f'HW_CPU_X86_{number}' for number in range(60))
FEATURES = frozenset(f'feature-{number}' for number in range(80))
SHAPES = ((2, 1), (4, 1), (8, 1), (12, 1), (16, 2), (24, 2))
ASKED = SHAPES[3]
# As many as Nova has, and ours.
WEIGHERS = (
    *(Weigher(f'Weigher{number}', 0.0) for number in range(13)),
    Weigher('NUMAFitWeigher', 0.0, 1.0),
)


def flavors() -> list[Flavor]:
    """Give pinned flavors with huge pages, of one cell and of two."""
    return [_flavor(cpus, cells) for cpus, cells in SHAPES]


def _flavor(cpus: int, cells: int) -> Flavor:
    cell = make_guest_cell(
        cpus // cells, memory_mb=4096 * cpus // cells, page_size=GIANT_KB
    )
    return Flavor(
        f'pinned.{cpus}.{cells}',
        cpus,
        cpus * 4096,
        20,
        {
            'hw:cpu_policy': 'dedicated',
            'hw:numa_nodes': str(cells),
            'hw:mem_page_size': '1GB',
        },
        Guest((cell,) * cells),
        Asked({'PCPU': cpus, 'MEMORY_MB': cpus * 4096, 'DISK_GB': 20}),
    )


def make_fleet(hosts: int, servers: int) -> Fleet:
    """Give a cloud whose hosts are in use by servers that fit them."""
    draw = random.Random(7)
    kinds = flavors()
    made, on = [], []
    for number in range(hosts):
        name = f'node{number:04}'
        topology = _empty(name)
        there: list[Server] = []
        for _ in range(servers // hosts):
            flavor = draw.choice(kinds)
            claim = fit.fit(topology, flavor.guest)
            if not claim:
                flavor = kinds[0]
                claim = fit.fit(topology, flavor.guest)
            there.append(_server(flavor, name, claim, draw))
            if claim:
                topology = _after(topology, claim)
        made.append(_host(name, topology, there))
        on += there
    return Fleet(
        tuple(made),
        tuple(on),
        tuple(kinds),
        ranking=Ranking(weighers=WEIGHERS),
    )


def _empty(name: str) -> Host:
    return make_host(
        *(
            make_cell(
                cell,
                cpus=32,
                threads=2,
                first=32 * cell,
                socket=cell // 2,
                memory_mb=131072,
                pages=((4, 4 * 2**20), (GIANT_KB, 112)),
            )
            for cell in range(4)
        ),
        name=name,
    )


def _server(flavor, host, claim, draw) -> Server:
    seats = ()
    if claim:
        seats = tuple(
            Seat(cell, taken.pinned, GIANT_KB)
            for cell, taken in zip(claim.cell_ids, claim.fits, strict=True)
        )
    uuid = f'{draw.getrandbits(128):032x}'
    return Server(
        uuid,
        f'server-{uuid[:8]}',
        f'project-{draw.randrange(50)}',
        host,
        host,
        flavor,
        {'os_distro': 'debian', 'hw_disk_bus': 'virtio'},
        flavor.guest,
        seats,
        vm_state='active',
        asked=flavor.asked,
    )


def _after(host: Host, claim) -> Host:
    cells = list(host.cells)
    for index, cell in zip(claim.indexes, claim.cells_after(), strict=True):
        cells[index] = cell
    after = Host.of(host.name, cells)
    return dataclasses.replace(after, layout=host.layout)


def _host(name: str, host: Host, there) -> FleetHost:
    pinned = sum(mask.bit_count() for mask in host.pinned)
    return FleetHost(
        name,
        name,
        f'uuid-of-{name}',
        host,
        Node(
            'QEMU',
            8002000,
            HostCPU('x86_64', 'Intel', 'Icelake', FEATURES),
            service_version=70,
        ),
        TRAITS,
        'nova',
        up=True,
        inventories={
            'PCPU': Inventory(128, used=pinned),
            'MEMORY_MB': Inventory(524288, 4096, used=pinned * 4096),
            'DISK_GB': Inventory(4000, used=20 * len(there)),
        },
        weighed={
            each.name: Weighed(float(pinned % (7 + number)), 1.0)
            for number, each in enumerate(WEIGHERS[:-1])
        },
    )


def seconds(*arguments: str, runs: int) -> tuple[float, float]:
    """Give the least seconds that a command takes, as a process.

    By the clock, and of the processor.
    """
    command = [sys.executable, '-m', 'numa_sched.cli', *arguments]
    return _least(
        lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True),
        runs,
    )


def read_seconds(path: pathlib.Path, runs: int) -> tuple[float, float]:
    """Give the least seconds that reading a snapshot takes, by itself."""
    return _least(lambda: snapshot.read(path), runs)


def _least(run: Callable[[], object], runs: int) -> tuple[float, float]:
    clock, processor = [], []
    for _ in range(runs):
        began, used = time.perf_counter(), _processor()
        run()
        clock.append(time.perf_counter() - began)
        processor.append(_processor() - used)
    return min(clock), min(processor)


def _processor() -> float:
    """Give the seconds that this process and those that ended have used."""
    return sum(
        each.ru_utime + each.ru_stime
        for each in map(
            resource.getrusage,
            (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN),
        )
    )


def main() -> int:
    """Measure; give 1 if a goal is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--hosts', type=int, default=1000)
    options.add_argument('--servers', type=int, default=10_000)
    options.add_argument('--runs', type=int, default=3)
    options.add_argument('--keep', help='where to leave the snapshot')
    chosen = options.parse_args()
    fleet = make_fleet(chosen.hosts, chosen.servers)
    server, flavor = fleet.servers[0].uuid, '--flavor=pinned.{}.{}'
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(chosen.keep or f'{directory}/fleet.json')
        path.write_bytes(snapshot.dumps(fleet, packed=path.suffix == '.gz'))
        named = f'--snapshot={path}'
        commands = {
            'help': (('--help',), GOAL_HELP_S),
            'explain server': (('explain', server, named), GOAL_S),
            'explain flavor': (
                ('explain', flavor.format(*SHAPES[-1]), named),
                GOAL_S,
            ),
            'rank server': (('rank', server, named), GOAL_S),
            'rank flavor': (('rank', flavor.format(*ASKED), named), GOAL_S),
            'rank by change': (
                ('rank', server, '--by', 'change', named),
                GOAL_S,
            ),
            'capacity': (('capacity', named), GOAL_S),
            'policy': (('policy', server, named), GOAL_S),
        }
        table = prettytable.PrettyTable(
            ('what', 'seconds', 'of the processor', 'goal')
        )
        table.align = 'r'
        table.align['what'] = 'l'
        took, used = read_seconds(path, chosen.runs)
        missed = took > GOAL_READ_S
        table.add_row(
            ('reading alone', f'{took:.2f}', f'{used:.2f}', GOAL_READ_S)
        )
        for name, (arguments, goal) in commands.items():
            took, used = seconds(*arguments, runs=chosen.runs)
            missed |= took > goal
            table.add_row((name, f'{took:.2f}', f'{used:.2f}', goal))
    print(
        f'{chosen.hosts} hosts, {chosen.servers} servers, '
        f'least of {chosen.runs} runs, load {os.getloadavg()[0]:.1f}'
    )
    print(table)
    return int(missed)


if __name__ == '__main__':
    sys.exit(main())
