"""Hosts and requests to measure with."""

from tests.cloud import machines  # isort: skip  (Nova patches come first)

import datetime
import random

import nova.conf

from tests.builders import make_cell, make_host
from tests.functional.requests import make_host_state, make_request

nova.conf.CONF([], default_config_files=[])

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
PAGES = ((4, 10**7), (2048, 8192), (1048576, 16))


def hosts(count, cells, threads):
    """Give hosts of one kind, each in use in a way of its own."""
    return [_host(number, cells, threads) for number in range(count)]


def _host(number, cells, threads):
    draw = random.Random(number)
    made = []
    for cell in range(cells):
        cpus = range(cell * threads, (cell + 1) * threads)
        # No two hosts have quite the same number of small pages.
        pages = [
            (size, total - number % 1000, draw.randrange(total // 2))
            if size == 4
            else (size, total, draw.randrange(total // 2))
            for size, total in PAGES
        ]
        made.append(
            make_cell(
                cell,
                cpus=threads,
                threads=2,
                first=cpus.start,
                pinned=draw.sample(cpus, draw.randrange(threads // 2)),
                memory_mb=65536,
                memory_used_mb=draw.choice((0, 4096, 8192)),
                pages=pages,
            )
        )
    return make_host(*made, name=f'host{number}')


def host_states(values):
    """Give fresh host states, as Nova makes them anew at each request."""
    return [
        make_host_state(value, uuid=value.name, updated=LONG_AGO)
        for value in values
    ]


def request(cells, cpus_per_cell=2):
    """Give a request of a pinned guest with huge pages."""
    return make_request(
        {
            'hw:cpu_policy': 'dedicated',
            'hw:numa_nodes': str(cells),
            'hw:mem_page_size': 'large',
        },
        vcpus=cells * cpus_per_cell,
        ram=2048 * cells,
    )


__all__ = ['host_states', 'hosts', 'machines', 'request']
