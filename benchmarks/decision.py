"""A whole decision of nova-scheduler: what it takes, and what for.

``SchedulerManager.select_destinations`` of real workers, each a process, over
databases (SQLite, or MariaDB with ``--mariadb``), asked the same in turn: Nova
as it comes, with this package, and with its options that change what Nova does
beside it. Placement answers from memory. Time is that of the processor and by
the clock, the mean of the runs, as the garbage collector comes when it likes;
ratios are of one run.

States of hosts: ``first``, as after a start; ``steady``, nothing has changed
since the last request; ``changed``, two in a hundred have.
"""

import argparse
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import prettytable

from benchmarks import scheduler
from benchmarks.hosts import in_use
from benchmarks.scheduler import database
from benchmarks.scheduler.database import seeded
from benchmarks.scheduler.worker import Process
from numa_sched.topology import Host

LAZY = {'lazy_topologies': True}
COLLECTOR = {'collect_after': 10_000}
WAYS = {
    'stock': None,
    'ours': {},
    'lazy': LAZY,
    'collector': COLLECTOR,
    'both': LAZY | COLLECTOR,
}
KINDS = {'2x64': (2, 64), '8x16': (8, 16), '16x8': (16, 8)}
REQUESTS = {
    'create': lambda made: made.create(WANTED, alternates=False),
    'alternates': lambda made: made.create(WANTED),
    'multi-create': lambda made: made.create(WANTED, 10),
    'live-migration': lambda made: made.live_migration(WANTED, 'host0'),
}
STATES = 'first', 'steady', 'changed'
CHANGED = 0.02
WANTED = database.flavor(2)
# Of stock Nova, for what is asked most: one server, on hosts of two cells.
MOST = {'ours': 0.6, 'both': 0.17}
MOST_FIRST = 1.1
MOST_MORE_MIB = 50


def host(number: int, cells: int, threads: int, seed: object = 0) -> Host:
    """Give a host in use in a way of its own, with 1 TiB of memory."""
    draw = seeded((number, seed))
    return in_use(number, cells, threads, draw, 2**20 // cells)


class Comparison:
    """Workers of each way over one database of hosts of one kind."""

    def __init__(self, stack, ways, kind: str, hosts: int, *, mariadb=False):
        """Start them; ``stack`` ends them."""
        directory = pathlib.Path(
            stack.enter_context(tempfile.TemporaryDirectory())
        )
        connection = scheduler.SQLITE
        if mariadb:
            # Its client is not everywhere.
            from benchmarks.scheduler.mariadb import running

            stack.enter_context(running(directory))
            connection = scheduler.MARIADB
        paths = {
            name: scheduler.configuration(
                directory,
                name=name,
                ours=WAYS[name] is not None,
                connection=connection,
                **(WAYS[name] or {}),
            )
            for name in ways
        }
        self._kind, self._number = KINDS[kind], hosts
        self._made = database.Database(paths[ways[0]])
        self._made.add_all(
            host(number, *self._kind) for number in range(hosts)
        )
        self.workers = {
            name: stack.enter_context(Process(path))
            for name, path in paths.items()
        }
        for worker in self.workers.values():
            worker.hosts(
                list(self._made.uuids.values()), list(self._made.uuids)
            )

    def ask(self, request: str, state: str, run: int):
        """Give the answer of each way to the same request, in turn."""
        if state == 'changed':
            changed = seeded(run).sample(
                range(self._number), max(1, round(self._number * CHANGED))
            )
            for number in changed:
                self._made.change(host(number, *self._kind, run))
        asked = REQUESTS[request](self._made)
        found = {}
        names = seeded(run).sample(list(self.workers), len(self.workers))
        for name in names:
            if state == 'first':
                self.workers[name].forget()
            found[name] = self.workers[name].decide(asked)
            if isinstance(found[name]['found'], str):
                raise RuntimeError(found[name]['found'])
        return found

    def measure(self, request: str, state: str, runs: int):
        """Give for each way the means of processor and clock."""
        if state != 'first':
            self.ask(request, 'steady', 0)
        taken = [self.ask(request, state, run) for run in range(runs)]
        return {
            name: tuple(
                statistics.fmean(each[name][what] for each in taken)
                for what in ('cpu', 'wall')
            )
            for name in self.workers
        }

    def groups(self, runs: int):
        """Give what a steady decision of each way goes into, by the mean."""
        for worker in self.workers.values():
            worker.group()
        taken = [self.ask('create', 'steady', run) for run in range(runs + 1)]
        return {
            name: {
                group: statistics.fmean(
                    each[name]['groups'].get(group, 0.0) for each in taken[1:]
                )
                for group in sorted(
                    {group for each in taken for group in each[name]['groups']}
                )
            }
            for name in self.workers
        }


def rows(chosen):
    """Yield the rows that are asked for: request and state, by kind."""
    for kind in chosen.kinds:
        wanted = [
            (request, state)
            for request in chosen.requests
            for state in chosen.states
            # Each request steady, and one of them as it may be, too.
            if chosen.all or state == 'steady' or request == 'create'
        ]
        yield kind, wanted


def tell_groups(groups):
    """Print a table of what decisions go into, in ms of the processor."""
    names = sorted(
        {name for each in groups.values() for name in each},
        key=lambda name: -max(each.get(name, 0) for each in groups.values()),
    )
    table = prettytable.PrettyTable(['CPU ms', *groups], align='r')
    table.align['CPU ms'] = 'l'
    for name in names:
        table.add_row(
            [name, *(f'{each.get(name, 0):.0f}' for each in groups.values())]
        )
    print(table)


def tell_memory(comparison, decisions: int):
    """Print MiB after many steady decisions; yield what is missed."""
    table = prettytable.PrettyTable(
        ['way', 'MiB', 'most', 'garbage', 'CPU ms'], align='r'
    )
    stock = None
    for name, worker in comparison.workers.items():
        asked = REQUESTS['create'](comparison._made)
        taken = [worker.decide(asked)['cpu'] for _ in range(decisions)]
        told = worker.memory()
        if name == 'stock':
            stock = told['now']
        table.add_row(
            [
                name,
                f'{told["now"]:.0f}',
                f'{told["most"]:.0f}',
                f'{told["now"] - told["collected"]:.0f}',
                f'{statistics.fmean(taken):.0f}',
            ]
        )
        # Each as it comes: all of them take long.
        print(*table.rows[-1], sep='  ', file=sys.stderr, flush=True)
        if stock and told['now'] > stock + MOST_MORE_MIB:
            yield f'{name}: {told["now"]:.0f} MiB, stock has {stock:.0f}'
    print(f'After {decisions} decisions:')
    print(table)


def missed(kind, request, state, found):
    """Yield the goals that a row misses."""
    cpu = {name: taken[0] for name, taken in found.items()}
    if 'stock' in cpu and (kind, request, state) == (
        '2x64',
        'create',
        'steady',
    ):
        for name, most in MOST.items():
            if name in cpu and cpu[name] > most * cpu['stock']:
                yield (
                    f'{name}: {cpu[name] / cpu["stock"]:.2f} of stock, not '
                    f'{most}'
                )
    both = cpu.get('both', 0.0)
    if state == 'first' and both > MOST_FIRST * cpu.get('ours', both):
        yield f'first, both: {both / cpu["ours"]:.2f} of ours'


def parsed():
    """Give what the command line says."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--hosts', type=int, default=1000)
    options.add_argument('--runs', type=int, default=5)
    for name, known in (
        ('kinds', KINDS),
        ('requests', REQUESTS),
        ('states', STATES),
        ('ways', WAYS),
    ):
        options.add_argument(
            f'--{name}', nargs='+', choices=list(known), default=list(known)
        )
    options.add_argument(
        '--all', action='store_true', help='each request in each state'
    )
    options.add_argument(
        '--mariadb', action='store_true', help='in place of SQLite'
    )
    options.add_argument(
        '--memory', type=int, default=0, help='decisions before it is read'
    )
    options.add_argument('--groups', type=int, default=3, help='runs for it')
    return options.parse_args()


def main():
    """Print the tables; give 1 if a goal is missed."""
    chosen = parsed()
    if len(chosen.kinds) > 1:
        # One process can have one database: it is Nova that has it.
        command = [sys.executable, '-m', __spec__.name, *sys.argv[1:]]
        return max(
            subprocess.run([*command, '--kinds', kind]).returncode
            for kind in chosen.kinds
        )
    misses = []
    for kind, wanted in rows(chosen):
        table = prettytable.PrettyTable(
            ['request', 'hosts', *chosen.ways], align='r'
        )
        with contextlib.ExitStack() as stack:
            comparison = Comparison(
                stack,
                chosen.ways,
                kind,
                chosen.hosts,
                mariadb=chosen.mariadb,
            )
            for request, state in wanted:
                found = comparison.measure(request, state, chosen.runs)
                misses += missed(kind, request, state, found)
                first = found[chosen.ways[0]][0]
                table.add_row(
                    [
                        request,
                        state,
                        *(
                            f'{cpu:.0f} ({cpu / first:.2f}), {wall:.0f}'
                            for cpu, wall in map(found.get, chosen.ways)
                        ),
                    ]
                )
                # Each row as it comes: all of them take long.
                print(kind, *table.rows[-1], sep='  ', file=sys.stderr)
            print(
                f'{chosen.hosts} hosts of {kind}: ms of the processor (of '
                f'{chosen.ways[0]}), ms by the clock, mean of {chosen.runs}, '
                f'load {os.getloadavg()[0]:.1f}'
            )
            print(table)
            if chosen.memory:
                misses += tell_memory(comparison, chosen.memory)
            if chosen.groups:
                tell_groups(comparison.groups(chosen.groups))
    for miss in misses:
        print(f'MISSED {miss}')
    return int(bool(misses))


if __name__ == '__main__':
    sys.exit(main())
