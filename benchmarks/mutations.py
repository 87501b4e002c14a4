"""Corrupt host topologies through converter and engine.

Whatever a host reports, nothing but the package's own error may come out.
"""

from benchmarks import fleet  # isort: skip  (Nova patches come first)

import argparse
import collections
import logging
import random
import sys
import time

from numa_sched import fit
from numa_sched.exceptions import NumaSchedError
from numa_sched.nova import convert
from tests.builders import make_guest, make_guest_cell

ODD = (
    None,
    -1,
    0,
    1,
    2**31,
    2**63,
    10**30,
    -(2**63),
    0.5,
    float('nan'),
    float('inf'),
    '',
    'x',
    '7',
    b'\xff',
    True,
    (),
    [],
    {},
    set(),
    {-1},
    {0, 10**9},
    {None},
    {'a'},
    {1.5},
    [set()],
    [{0}, {0}],
    [{-5}],
    [None],
    object(),
)
GUESTS = [
    make_guest(1),
    make_guest(2, 2),
    make_guest(1, 3),
    make_guest(make_guest_cell(2, page_size=-2), isolate_emulator=True),
    make_guest(make_guest_cell(2, threads='isolate', page_size=-3)),
    make_guest(make_guest_cell(2, threads='require', page_size=2048)),
    make_guest(make_guest_cell(shared=2), physnets=frozenset('a')),
]


def mutate(draw, state):
    """Change one to three facts of a host state to something odd."""
    for _ in range(draw.randint(1, 3)):
        cell = draw.choice(state.numa_topology.cells)
        pages = cell.__dict__.get('_obj_mempages')
        target = cell
        if isinstance(pages, list) and pages and draw.random() < 0.3:
            target = draw.choice(pages)
            if not hasattr(target, '__dict__'):
                continue
        facts = target.__dict__
        name = draw.choice([key for key in facts if key.startswith('_obj_')])
        what = draw.random()
        if what < 0.15:
            del facts[name]
        elif what < 0.3:
            other = draw.choice(state.numa_topology.cells).__dict__
            facts[name] = other.get(name, draw.choice(ODD))
        elif what < 0.35:
            state.cpu_allocation_ratio = draw.choice(ODD)
            state.ram_allocation_ratio = draw.choice(ODD)
        elif what < 0.4:
            state.pci_stats.pools = [{'numa_node': 0, 'count': 1}, {}][
                : draw.randint(0, 2)
            ]
        else:
            facts[name] = draw.choice(ODD)


def main():
    """Run, and print what came of the inputs."""
    fleet.configure()
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--cases', type=int, default=1_000_000)
    options.add_argument('--seed', type=int, default=0)
    chosen = options.parse_args()
    logging.disable(logging.ERROR)
    draw = random.Random(chosen.seed)
    values = fleet.hosts(4, 2, 4) + fleet.hosts(4, 3, 8)
    placers = [fit.Placer(guest) for guest in GUESTS]
    outcomes = collections.Counter()
    began = shown = time.monotonic()
    for case in range(chosen.cases):
        if case % 50 == 0:
            fresh = fleet.host_states(values)
            kept = [
                (
                    state,
                    [(part, dict(part.__dict__)) for part in _parts(state)],
                )
                for state in fresh
            ]
        state, parts = draw.choice(kept)
        mutate(draw, state)
        try:
            host = convert.host(state)
            placer = draw.choice(placers)
            placed = placer.place(host)
            explained = placer.explain(host)
            assert bool(placed) == bool(explained), (host, placer.guest)
            str(explained)
            outcomes['fits' if placed else 'does not fit'] += 1
        except NumaSchedError:
            outcomes['refused as bad data'] += 1
        for part, was in parts:
            part.__dict__.clear()
            part.__dict__.update(was)
        state.cpu_allocation_ratio = state.ram_allocation_ratio = 1.0
        state.pci_stats.pools = []
        if time.monotonic() - shown > 1:
            shown = time.monotonic()
            print(
                f'\r{case} of {chosen.cases}',
                end='',
                file=sys.stderr,
                flush=True,
            )
    print(
        f'\n{chosen.cases} mutated hosts in {time.monotonic() - began:.0f} s: '
        + ', '.join(f'{count} {what}' for what, count in outcomes.items())
    )


def _parts(state):
    """Give the objects that :func:`mutate` changes."""
    return [
        part
        for cell in state.numa_topology.cells
        for part in (cell, *cell.mempages)
    ]


if __name__ == '__main__':
    main()
