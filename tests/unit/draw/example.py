"""The host that the documents show, and how its drawings are made anew.

Prints what stands in ``doc/source/map.rst`` and writes its figure::

    python -m tests.unit.draw.example
"""

import io
import pathlib

from rich.console import Console

from numa_sched.draw import page, terminal
from numa_sched.draw.build import picture
from numa_sched.topology import DevicePool, Host
from tests.builders import GIANT_KB, HUGE_KB, mask
from tests.unit.draw.fleets import (
    NIC,
    make_fleet_host,
    make_paired_cell,
    make_server,
)

DOCUMENTS = pathlib.Path(__file__).parents[3] / 'doc' / 'source'
FIGURE = DOCUMENTS / '_static' / 'map.svg'
WIDTH = 80


def example():
    """Give a host of two cells with eight cores each, and its servers."""
    cells = [
        make_paired_cell(
            0,
            8,
            step=16,
            shared=1,
            pinned=mask(1, 2, 3, 17, 18, 19),
            shared_used=2,
            memory_used_mb=26624,
            giant=24,
            physnets=frozenset({'physnet1'}),
        ),
        make_paired_cell(
            1,
            8,
            step=16,
            shared=1,
            pinned=mask(9, 25, 10, 11, 12, 13),
            memory_used_mb=12288,
            huge=2048,
            giant=8,
            physnets=frozenset(),
        ),
    ]
    host = Host.of(
        'node7',
        cells,
        cpu_allocation_ratio=4.0,
        pools=(DevicePool(0, NIC, 6),),
    )
    servers = [
        make_server('db-1', [(0, [1, 2, 17, 18], GIANT_KB)], memory_mb=16384),
        make_server(
            'vnf-3',
            [(0, [3, 19], GIANT_KB), (1, [9, 25], GIANT_KB)],
            memory_mb=8192,
        ),
        make_server('cache', [(1, [10, 11, 12, 13], HUGE_KB)], memory_mb=4096),
        make_server('web-2', [(0, ())], shared=2, memory_mb=2048),
    ]
    return picture(
        make_fleet_host(host, 'node7', zone='az1', up=True), servers
    )


def in_terminal():
    """Give what a terminal without colours shows of it."""
    file = io.StringIO()
    terminal.show(Console(file=file, width=WIDTH), [example()])
    return '\n'.join(line.rstrip() for line in file.getvalue().splitlines())


if __name__ == '__main__':
    print(in_terminal())
    FIGURE.write_text(page.host_svg([example()]))
