"""The same decisions, whether topologies are left unread or not.

Two workers of nova-scheduler, with ``[numa_sched] lazy_topologies`` and
without, are asked the same of the same databases, where hosts change between
requests. Hosts, alternates, limits, allocations, what is claimed on host
states and what is refused must be the same to the byte.
"""

import argparse
import logging
import pathlib
import sys
import tempfile
import time

from benchmarks import scheduler
from benchmarks.scheduler import chance, database
from benchmarks.scheduler.worker import Process

ASKED = ('found', 'claims')


def differences(directory, cases, *, hosts=10, seed=0, told=lambda _: None):
    """Give the cases that differ, with both answers, and how many placed.

    :param told: is given the number of each case
    """
    options = {'scheduler_workers': 3}
    paths = [
        scheduler.configuration(
            directory, ours=True, name=name, lazy_topologies=lazy, **options
        )
        for name, lazy in (('at-once', False), ('lazy', True))
    ]
    made = database.Database(paths[0])
    cloud = chance.Cloud(made, hosts, seed)
    found, placed = [], 0
    with (
        Process(paths[0], watched=True) as at_once,
        Process(paths[1], watched=True) as lazy,
    ):
        for each in at_once, lazy:
            each.hosts(list(made.uuids.values()), cloud.names)
        assert lazy.leaves_unread() and not at_once.leaves_unread()
        for case in range(cases):
            told(case)
            cloud.change()
            asked = cloud.ask()
            answers = [
                {name: given[name] for name in ASKED}
                for given in (at_once.decide(asked), lazy.decide(asked))
            ]
            placed += not isinstance(answers[0]['found'], str)
            if answers[0] != answers[1]:
                found.append((case, asked, answers))
    return found, placed


def main():
    """Run; give 1 if anything differs."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--cases', type=int, default=20_000)
    options.add_argument('--hosts', type=int, default=10)
    options.add_argument('--seed', type=int, default=0)
    chosen = options.parse_args()
    logging.disable(logging.ERROR)
    began = time.monotonic()

    def told(case):
        if case % 100 == 0:
            seconds = time.monotonic() - began
            print(
                f'\r{case} of {chosen.cases} cases, {seconds:.0f} s',
                end='',
                file=sys.stderr,
                flush=True,
            )

    with tempfile.TemporaryDirectory() as directory:
        found, placed = differences(
            pathlib.Path(directory),
            chosen.cases,
            hosts=chosen.hosts,
            seed=chosen.seed,
            told=told,
        )
    for case, asked, answers in found[:3]:
        print(f'Case {case}: {asked}\n{answers[0]}\n{answers[1]}')
    print(
        f'\n{chosen.cases} requests, {placed} of them placed, '
        f'{len(found)} differences, {time.monotonic() - began:.0f} s'
    )
    return int(bool(found))


if __name__ == '__main__':
    sys.exit(main())
