"""The same decisions, whether topologies are left unread or not.

Two workers of nova-scheduler, with ``[numa_sched] lazy_topologies`` and
without, are asked the same of the same databases, where hosts change between
requests. Hosts, alternates, limits, allocations, what is claimed on host
states and what is refused must be the same to the byte.
"""

import argparse
import contextlib
import itertools
import logging
import pathlib
import sys
import tempfile
import time

from benchmarks import scheduler
from benchmarks.scheduler import chance, database
from benchmarks.scheduler.worker import Process

ASKED = ('found', 'claims')


def answers(directory, *, hosts=10, seed=0, claim_seconds=10):
    """Yield requests for ever, each with the answers without and with it."""
    # What is read for wishes has nothing to do with it, and takes long.
    options = {
        'scheduler_workers': 3,
        'image_wishes': False,
        'claim_seconds': claim_seconds,
    }
    paths = [
        scheduler.configuration(
            directory, ours=True, name=name, lazy_topologies=lazy, **options
        )
        for name, lazy in (('at-once', False), ('lazy', True))
    ]
    made = database.Database(paths[0])
    cloud = chance.Cloud(made, hosts, seed)
    with (
        Process(paths[0], watched=True) as at_once,
        Process(paths[1], watched=True) as lazy,
    ):
        for each in at_once, lazy:
            each.hosts(list(made.uuids.values()), cloud.names)
        assert lazy.leaves_unread()
        assert not at_once.leaves_unread()
        while True:
            cloud.change()
            asked = cloud.ask()
            yield (
                asked,
                *(
                    {name: given[name] for name in ASKED}
                    for given in (at_once.decide(asked), lazy.decide(asked))
                ),
            )


def main():
    """Run; give 1 if anything differs. It may be interrupted at any time."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--cases', type=int, default=20_000)
    options.add_argument('--hosts', type=int, default=10)
    options.add_argument('--seed', type=int, default=0)
    options.add_argument('--claim-seconds', type=float, default=10)
    chosen = options.parse_args()
    logging.disable(logging.ERROR)
    began = time.monotonic()
    cases = placed = differ = 0
    with (
        tempfile.TemporaryDirectory() as directory,
        contextlib.suppress(KeyboardInterrupt),
    ):
        asking = answers(
            pathlib.Path(directory),
            hosts=chosen.hosts,
            seed=chosen.seed,
            claim_seconds=chosen.claim_seconds,
        )
        for asked, at_once, lazy in itertools.islice(asking, chosen.cases):
            cases += 1
            placed += not isinstance(at_once['found'], str)
            if at_once != lazy:
                differ += 1
                print(f'{asked}\n{at_once}\n{lazy}', flush=True)
            if cases % 100 == 0:
                seconds = time.monotonic() - began
                print(
                    f'\r{cases} of {chosen.cases} cases, {seconds:.0f} s',
                    end='',
                    file=sys.stderr,
                    flush=True,
                )
    print(
        f'\n{cases} requests, {placed} of them placed, {differ} differences, '
        f'{time.monotonic() - began:.0f} s'
    )
    return int(bool(differ))


if __name__ == '__main__':
    sys.exit(main())
