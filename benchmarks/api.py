"""POST /servers, to Nova's API with the filter and without, in turn.

The whole API application with its real databases; the hand-over to the
conductor is the end of each request. Then the first request of a process.
"""

from tests.cloud import started_cloud  # isort: skip  (Nova patches first)

import argparse
import gc
import logging
import random
import statistics
import subprocess
import sys
import time

import prettytable
from nova import context as nova_context

from tests.functional.api.fuzz import forget_servers
from tests.functional.api.requests import (
    flavor_specs,
    image_properties,
    nothing_built,
    old_flavor,
    root_device,
    server,
)

GOAL = 0.10


def timed(door, body, status=202):
    """Give seconds for one request."""
    began = time.perf_counter()
    response = door.request('POST', '/servers', body)
    took = time.perf_counter() - began
    assert response.status_int == status, response.text
    return took


def compare(doors, body, runs):
    """Give seconds per request for each door, taken in turn."""
    seconds = {name: [] for name in doors}
    for door in doors.values():
        timed(door, body)
    gc.disable()
    for run in range(runs):
        for name in random.Random(run).sample(sorted(doors), len(doors)):
            seconds[name].append(timed(doors[name], body))
        if run % 50 == 0:
            forget_servers(nova_context.get_admin_context())
            gc.collect()
            print('.', end='', file=sys.stderr, flush=True)
    gc.enable()
    return seconds


def bodies(cloud):
    """Give what is asked for, by what it is."""
    plain, wish = old_flavor(cloud, {}), flavor_specs('true', 'false')
    image = cloud.add_image(**image_properties('true', None))
    boot = root_device('image', image)
    return {
        'no wish': server(plain, cloud.add_image()),
        'wishes that agree': server(old_flavor(cloud, wish), image),
        'boot from volume': server(plain, block_device_mapping_v2=[boot]),
    }


def first(door):
    """Give seconds for the first request of this process."""
    with started_cloud() as cloud, nothing_built():
        logging.disable(logging.ERROR)
        app = cloud.door(filtered=door == 'with')
        return timed(app, bodies(cloud)['wishes that agree'])


def first_of_processes(runs):
    """Give seconds for the first request of processes, by door, in turn."""
    seconds = {'with': [], 'without': []}
    for _ in range(runs):
        for door, found in seconds.items():
            done = subprocess.run(
                [sys.executable, '-m', __spec__.name, '--only-first', door],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            found.append(float(done.stdout.split()[-1]))
            print('.', end='', file=sys.stderr, flush=True)
    return seconds


def main():
    """Print the figures; give 1 if a goal is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--runs', type=int, default=400)
    options.add_argument('--processes', type=int, default=7)
    options.add_argument('--only-first', choices=['with', 'without'])
    chosen = options.parse_args()
    if chosen.only_first:
        print(first(chosen.only_first))
        return 0
    found = {}
    with started_cloud() as cloud, nothing_built():
        logging.disable(logging.ERROR)
        doors = {
            name: cloud.door(filtered=name == 'with')
            for name in ('with', 'without')
        }
        for name, body in bodies(cloud).items():
            found[name] = compare(doors, body, chosen.runs)
    found['first of a process'] = first_of_processes(chosen.processes)
    return report(found)


def report(found):
    """Print a row for each kind of request; give 1 if a goal is missed."""
    table = prettytable.PrettyTable(
        ['POST /servers', 'without', 'with', f'added (goal {GOAL:.0%})']
    )
    missed = False
    for name, seconds in found.items():
        medians = {
            door: statistics.median(each) for door, each in seconds.items()
        }
        added = medians['with'] / medians['without'] - 1
        missed |= added > GOAL
        table.add_row(
            [
                name,
                f'{medians["without"] * 1e3:.1f} ms',
                f'{medians["with"] * 1e3:.1f} ms',
                f'{added:.1%}',
            ]
        )
    print(f'\n{table}')
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
