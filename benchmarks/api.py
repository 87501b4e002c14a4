"""POST /servers, to Nova's API with the filter and without, in turn.

The whole API application with its real databases; the hand-over to the
conductor is the end of each request. Then a Glance that answers slowly, to
see how long a request is held up.
"""

from tests.cloud import started_cloud  # isort: skip  (Nova patches first)

import argparse
import gc
import logging
import random
import statistics
import sys
import time
from unittest import mock

import prettytable
from nova import context as nova_context
from nova.image import glance

from tests.functional.api_fuzz import forget_servers
from tests.functional.api_requests import (
    flavor_specs,
    image_properties,
    nothing_built,
    old_flavor,
    root_device,
    server,
)

GOAL = 0.10
LIMIT_SECONDS = 0.5


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


def held_up(doors, body):
    """Give seconds that a request takes while Glance does not answer us."""
    get = glance.API.get

    def slow(*args, **kwargs):
        if slow.calls == 0:
            slow.calls += 1
            time.sleep(20 * LIMIT_SECONDS)
        return get(*args, **kwargs)

    slow.calls = 0
    with mock.patch.object(glance.API, 'get', slow):
        return timed(doors['with'], body)


def main():
    """Print the figures; give 1 if a goal is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--runs', type=int, default=400)
    chosen = options.parse_args()
    table = prettytable.PrettyTable(
        ['POST /servers', 'without', 'with', f'added (goal {GOAL:.0%})']
    )
    missed = False
    with started_cloud() as cloud, nothing_built():
        logging.disable(logging.ERROR)
        doors = {
            name: cloud.door(filtered=name == 'with')
            for name in ('with', 'without')
        }
        for name, body in bodies(cloud).items():
            medians = {
                door: statistics.median(seconds)
                for door, seconds in compare(doors, body, chosen.runs).items()
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
        cloud.flags(api_lookup_seconds=LIMIT_SECONDS, group='numa_sched')
        seconds = held_up(doors, server(*_ids(cloud)))
        missed |= seconds > LIMIT_SECONDS + 1
    print(f'\n{table}')
    print(
        f'Glance silent, time limit {LIMIT_SECONDS} s: '
        f'a request takes {seconds:.2f} s'
    )
    return 1 if missed else 0


def _ids(cloud):
    return old_flavor(cloud, {}), cloud.add_image()


if __name__ == '__main__':
    sys.exit(main())
