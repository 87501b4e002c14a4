"""Hosts in use, to measure with; nothing of Nova is needed for them."""

import random

from numa_sched.topology import Host
from tests.builders import make_cell, make_host

PAGES = ((4, 10**7), (2048, 8192), (1048576, 16))


def in_use(
    number: int,
    cells: int,
    threads: int,
    draw: random.Random,
    memory_mb: int = 65536,
) -> Host:
    """Give a host in use in a way of its own, as chance has it.

    :param memory_mb: of each cell
    """
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
                memory_mb=memory_mb,
                memory_used_mb=draw.choice((0, 4096, 8192)),
                pages=pages,
            )
        )
    return make_host(*made, name=f'host{number}')
