"""How long ``numa-sched map`` takes to draw, and how large its pages are.

One host with eight cells and 256 CPUs, then a fleet of 1,000 hosts with
10,000 servers, each in all ways that there are; in seconds of the processor,
without reading them, and without the start of Python::

    python -m benchmarks.drawing
"""

import argparse
import io
import time

from rich.console import Console

from numa_sched.draw import listing, page, terminal
from numa_sched.draw.build import pictures
from numa_sched.draw.order import Order, in_order
from numa_sched.fleet import Fleet
from tests.unit.draw.fleets import make_cloud, make_compute


def in_terminal(show, drawn):
    """Give what a terminal of 120 columns gets."""
    file = io.StringIO()
    show(
        Console(
            file=file, width=120, force_terminal=True, color_system='truecolor'
        ),
        drawn,
    )
    return file.getvalue()


def measure(what, fleet, *ways):
    """Print a line for each way to draw a fleet."""
    for name, way in ways:
        start = time.process_time()
        drawn = in_order(pictures(fleet, fleet.hosts), Order.ROOM)
        text = way(drawn)
        seconds = time.process_time() - start
        size = len(text.encode()) / 1e6
        print(f'{what:<12}{name:<10}{seconds:>8.2f} s{size:>8.2f} MB')


def main(arguments=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--hosts', type=int, default=1000)
    chosen = parser.parse_args(arguments)
    host, servers = make_compute(servers=40, cores=16, cells=8)
    measure(
        'a host',
        Fleet((host,), tuple(servers)),
        ('terminal', lambda drawn: in_terminal(terminal.show, drawn)),
        ('svg', page.host_svg),
        ('html', page.host_page),
    )
    measure(
        f'{chosen.hosts} hosts',
        make_cloud(chosen.hosts),
        ('terminal', lambda drawn: in_terminal(listing.show, drawn)),
        ('svg', page.fleet_svg),
        ('html', lambda drawn: page.fleet_page(drawn, Order.ROOM)),
    )


if __name__ == '__main__':
    main()
