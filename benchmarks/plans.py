"""Plans for a large cloud, from a snapshot of it.

Each command is run as a process, which reads the snapshot first: its CPU
time and the most memory it had count.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import prettytable

from benchmarks import tools
from numa_sched import fit
from numa_sched.fit.usage import host_after, host_without
from numa_sched.fleet import Fleet, snapshot

GOAL_DRAIN_S, GOAL_ROOM_S, GOAL_MB = 10.0, 5.0, 1024
MANY = 40
"""Servers on the host that is emptied."""
MIX = (0, 0, 1, 1, 2, 3, 3, 3, 4, 4, 5, 5)
"""Which flavors the servers have, as often as that."""
GONE = 0.06
"""The share of small servers that have left their hosts again: so many that
room for some flavors takes a migration."""


def make_fleet(hosts: int, gone: float = GONE, seed: int = 7) -> Fleet:
    """Give a cloud whose hosts are full but for small servers that left."""
    draw = random.Random(seed)
    kinds = tools.flavors()
    made, on = [], []
    for number in range(hosts):
        name = f'node{number:04}'
        mix = [kinds[each] for each in MIX]
        first = () if number else [kinds[0]] * MANY
        host, there = _filled(draw, name, mix, first, gone)
        made.append(tools._host(name, host, there))
        on += there
    return Fleet(tuple(made), tuple(on), tuple(kinds))


def _filled(draw, name, mix, first, gone):
    """Give a host and its servers, some of them the first ones."""
    host, there = tools._empty(name), []
    for flavor in (*first, *draw.sample(mix * 20, len(mix) * 20)):
        claim = fit.fit(host, flavor.guest)
        if claim:
            there.append(tools._server(flavor, name, claim, draw))
            host = host_after(claim)
    small = [each for each in there if each.flavor.vcpus <= 4]
    for server in () if first else small:
        if draw.random() < gone:
            there.remove(server)
            host = host_without(host, server.guest, server.seats)
    return host, there


@dataclasses.dataclass(frozen=True)
class Run:
    """What a command has taken, and the rows that it gave."""

    seconds: float
    megabytes: float
    rows: list


def run(*arguments: str) -> Run:
    """Run a command as a process; give its CPU time and its memory."""
    command = [sys.executable, '-m', 'numa_sched.cli', *arguments]
    with subprocess.Popen(
        [*command, '-f', 'json'], stdout=subprocess.PIPE
    ) as process:
        told = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f'{" ".join(arguments)}: {process.returncode}')
    return Run(
        used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, json.loads(told)
    )


def main() -> int:
    """Measure; give 1 if a goal is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--hosts', type=int, default=1000)
    options.add_argument('--gone', type=float, default=GONE)
    chosen = options.parse_args()
    fleet = make_fleet(chosen.hosts, chosen.gone)
    table = prettytable.PrettyTable(
        ('what', 'migrations', 'CPU s', 'goal', 'MiB', 'at most')
    )
    table.align = 'r'
    table.align['what'] = 'l'
    missed = False
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, 'fleet.json')
        path.write_bytes(snapshot.dumps(fleet))
        commands = [(('drain', 'node0000'), GOAL_DRAIN_S)]
        commands += [
            (('make-room', f'--flavor={flavor.name}'), GOAL_ROOM_S)
            for flavor in fleet.flavors
        ]
        for words, goal in commands:
            took = run(*words, f'--snapshot={path}', '--seconds=10')
            steps = sum(row['Wave'] is not None for row in took.rows)
            missed |= took.megabytes > GOAL_MB
            # Beyond two migrations there is no goal.
            if words[0] == 'drain' or steps in (1, 2):
                missed |= took.seconds > goal
            table.add_row(
                (
                    ' '.join(words),
                    steps,
                    f'{took.seconds:.2f}',
                    goal,
                    f'{took.megabytes:.0f}',
                    GOAL_MB,
                )
            )
    print(f'{len(fleet.hosts)} hosts, {len(fleet.servers)} servers')
    print(table)
    return int(missed)


if __name__ == '__main__':
    sys.exit(main())
