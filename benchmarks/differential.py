"""The property tests of the fit engine, for as many cases as wanted.

Each case is a host and a guest (with devices in one of the properties), and
is compared with brute force over Nova's own pairwise function or with Nova's
own search, or what is counted for many hosts at once with the search for each.

With ``--what text`` the same for ``lazy_topologies``, which changes nothing of
that but how a host is read: each case is a text in a row, whole, old, odd or
cut, and is compared with what is read of Nova's object.
"""

from benchmarks import fleet  # isort: skip  (Nova patches first)

import argparse
import logging
import sys
import time

from hypothesis import HealthCheck, Phase, settings

from tests.property import test_fit, test_text

MODULES = {'fit': test_fit, 'text': test_text}


def properties(module):
    """Give the tests of a module that hypothesis draws cases for."""
    return [
        each for each in vars(module).values() if hasattr(each, 'hypothesis')
    ]


class Count:
    """Cases so far, shown once a second."""

    def __init__(self, wanted):
        self.wanted, self.done = wanted, 0
        self.began = self.shown = time.monotonic()

    def watch(self, inner):
        """Count the calls of a property's body."""

        def counted(*args, **kwargs):
            self.done += 1
            now = time.monotonic()
            if now - self.shown > 1:
                self.shown = now
                print(
                    f'\r{self.done} of {self.wanted} cases, '
                    f'{now - self.began:.0f} s',
                    end='',
                    file=sys.stderr,
                    flush=True,
                )
            return inner(*args, **kwargs)

        return counted


def main():
    """Run; a mismatch ends it with hypothesis' smallest example."""
    fleet.configure()
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--cases', type=int, default=100_000)
    options.add_argument('--what', choices=MODULES, default='fit')
    chosen = options.parse_args()
    logging.disable(logging.ERROR)
    count = Count(chosen.cases)
    tests = properties(MODULES[chosen.what])
    share = -(-chosen.cases // len(tests))
    for each in tests:
        each.hypothesis.inner_test = count.watch(each.hypothesis.inner_test)
        settings(
            max_examples=share,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )(each)()
    print(
        f'\n{count.done} cases of {len(tests)} properties, no mismatch, '
        f'{time.monotonic() - count.began:.0f} s'
    )


if __name__ == '__main__':
    main()
