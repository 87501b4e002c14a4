"""How much of each room the tests have gone through, as a table.

Fails where a room has less than its floor, unless tests were named: then they
were not all::

    python -m slipcover --branch --source numa_sched --json --out FILE \\
        -m pytest tests/unit
    python -m tests.covered FILE
"""

import argparse
import collections
import json
import pathlib
import sys

# By the first folder of the tests: the rooms that they are to go through,
# with the least per cent of the ways out of a decision.
FLOORS = {
    'unit': {
        'answers': 96,
        'carry': 95,
        'cli': 90,
        'cpumask': 100,
        'destination': 100,
        'draw': 100,
        'fit': 84,
        'fleet': 96,
        'history': 98,
        'plan': 91,
        'plugins': 100,
        'policy': 100,
        'rank': 100,
        'score': 100,
        'topology': 100,
    },
    'functional': {
        # By examples of chance: up to three points more.
        'fit': 92,
        'nova': 80,
        'nova/api': 90,
        # Five rows of wishes in eight are in the longer run.
        'nova/compute': 94,
        'nova/scheduler': 95,
        # Its reader and the program run in processes of their own.
        'nova/status': 75,
        # As its commands, but for what they ask.
        'osc': 70,
    },
}


def keep_probes() -> None:
    """Have slipcover, if it measures, never take its probes out of the code.

    It does so now and then, for speed, with the frames of all threads in hand.
    Beside running threads that loses what they go through meanwhile, and
    Python 3.11 holds a lock for the list of frames: if it collects a
    ``threading.local`` then, which waits for the same lock, every thread
    stands still for good (CPython's issue 106883).
    """
    if slipcover := sys.modules.get('slipcover'):
        slipcover.Slipcover.deinstrument_seen = lambda measured: None


def room_of(path: str) -> str:
    """Give the room of a file: a folder or file, and the doors apart."""
    room, *inside = pathlib.PurePath(path).relative_to('numa_sched').parts
    if room == 'nova' and len(inside) > 1:
        return f'nova/{inside[0]}'
    return room.removesuffix('.py')


def by_room(files: dict) -> dict[str, collections.Counter]:
    """Sum up what was covered, and what was not, of lines and branches."""
    sums = collections.defaultdict(collections.Counter)
    for path, told in files.items():
        for what in ('lines', 'branches'):
            for state in ('covered', 'missing'):
                key = f'{state}_{what}'
                sums[room_of(path)][key] += told['summary'][key]
    return sums


def share(counts: collections.Counter, what: str) -> float:
    """Give per cent covered; 100 of nothing."""
    covered = counts[f'covered_{what}']
    whole = covered + counts[f'missing_{what}']
    return 100 * covered / whole if whole else 100.0


def main(arguments=None) -> int:
    """Print the table; give 1 if a room has less than its floor."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('file', type=pathlib.Path)
    options.add_argument('tests', choices=FLOORS)
    chosen, named = options.parse_known_args(arguments)
    rooms = by_room(json.loads(chosen.file.read_text())['files'])
    print(f'\n{"room":<16}{"branches":>10}{"lines":>10}{"floor":>8}')
    low = []
    for room, floor in FLOORS[chosen.tests].items():
        branches = share(rooms[room], 'branches')
        lines = share(rooms[room], 'lines')
        print(f'{room:<16}{branches:>8.1f} %{lines:>8.1f} %{floor:>6} %')
        if branches < floor:
            low.append(room)
    if low and not named:
        print(f'Below the floor: {", ".join(low)}')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
