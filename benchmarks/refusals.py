"""What it costs to leave word of a request that finds no host.

Nova asks our filter about all hosts, none of which the guest fits, with the
option set and without it in turn; Nova logs at INFO, as by default. Then the
same for a request that all hosts pass. What the thread behind does for each
refusal, beside the requests, is told by itself. All is time of the processor,
the median of the runs; the garbage collector is off.
"""

from benchmarks import fleet  # isort: skip  (Nova patches come first)

import argparse
import gc
import logging
import pathlib
import statistics
import sys
import tempfile
import time

import nova.conf
from nova.scheduler.filters import HostFilterHandler

from numa_sched.nova.scheduler import word
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.nova.scheduler.word import Word

CONF = nova.conf.CONF
GOAL = 0.05
GOAL_ROUND_S = 0.5


class Quiet(Word):
    """Writes when it is told to, so that it can be measured."""

    def _start(self):
        pass


def ask(left, states, request):
    """Give seconds of the processor in the thread of a request."""
    for state in states:
        state.allocation_candidates = [{'allocations': {}, 'mappings': {}}]
    began = time.thread_time()
    left.begin(request)
    HostFilterHandler().get_filtered_objects(
        [NUMAFitFilter(left_word=left)], states, request
    )
    return time.thread_time() - began


def compare(left, states, wanted, path, runs):
    """Give milliseconds without the option and with it, and of the thread."""
    seconds = {None: [], path: []}
    rounds = []
    for number in range(runs):
        for option in (path, None) if number % 2 else (None, path):
            CONF.set_override('refusals_file', option, group='numa_sched')
            # What options say is kept from then on.
            ask(left, states[:1], fleet.request(*wanted))
            left.round()
            seconds[option].append(ask(left, states, fleet.request(*wanted)))
            if option:
                began = time.process_time()
                left.round()
                rounds.append(time.process_time() - began)
    return [
        statistics.median(each) * 1e3 for each in (*seconds.values(), rounds)
    ]


def main():
    """Print both figures; exit with 1 if a goal is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--hosts', type=int, default=1000)
    options.add_argument('--runs', type=int, default=101)
    chosen = options.parse_args()
    fleet.configure()
    logging.basicConfig(
        level=logging.INFO, handlers=[logging.NullHandler()], force=True
    )
    CONF.set_override(
        'enabled_filters', ['NUMAFitFilter'], group='filter_scheduler'
    )
    left = Quiet()
    for name in word.LOGGERS:
        logging.getLogger(name).addHandler(word.Listener(left))
    gc.disable()
    states = fleet.host_states(fleet.hosts(chosen.hosts, 2, 64))
    missed = False
    with tempfile.TemporaryDirectory() as directory:
        path = str(pathlib.Path(directory, 'refusals'))
        for what, wanted in (('refused', (2, 100)), ('passed', (2, 2))):
            compare(left, states, wanted, path, 3)
            untold, told, round_ = compare(
                left, states, wanted, path, chosen.runs
            )
            added = told / untold - 1
            print(
                f'{chosen.hosts} hosts, {what}: {untold:.2f} ms without, '
                f'{told:.2f} ms with the option ({added:+.1%}, goal '
                f'{GOAL:+.0%}); beside it {round_:.2f} ms of processor time'
            )
            missed |= added > GOAL or round_ / 1e3 > GOAL_ROUND_S
        told = pathlib.Path(f'{path}.0').read_bytes().splitlines()
        print(f'{max(map(len, told)) / 1024:.1f} KiB a refusal')
    return int(missed)


if __name__ == '__main__':
    sys.exit(main())
