"""Odd requests to Nova's API, for as many cases as wanted.

Each goes to Nova's API with the filter and without. What the filter refuses
must break the rules, what is accepted must not, and anything else must be
answered as without the filter. ``--what paths`` sends requests that clash
under odd spellings of their paths: whatever Nova takes must be refused.
"""

from tests.cloud import machines, started_cloud  # isort: skip  (Nova first)

import argparse
import contextlib
import logging
import sys
import time

from hypothesis import HealthCheck, Phase, given, seed, settings

from numa_sched import policy
from tests.cloud import wire
from tests.functional.api import actions, fuzz, paths
from tests.functional.api.requests import nothing_built

AT_ONCE = 5000


@contextlib.contextmanager
def creating(cloud):
    """Give a checker of requests to create servers."""
    with nothing_built() as handed_over:
        yield fuzz.Checker(cloud, handed_over)


@contextlib.contextmanager
def changing(cloud):
    """Give a checker of requests to rebuild and to resize servers."""
    with actions.nothing_changed():
        yield actions.ActionChecker(cloud)


@contextlib.contextmanager
def spelling(cloud):
    """Give a checker of paths."""
    yield paths.PathChecker.on(cloud)


CHECKERS = {'create': creating, 'change': changing, 'paths': spelling}


def main():
    """Run; a case that fails ends it with hypothesis' smallest example."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--cases', type=int, default=100_000)
    options.add_argument('--seed', type=int, default=0)
    options.add_argument('--what', choices=CHECKERS, default='create')
    options.add_argument(
        '--uwsgi',
        action='store_true',
        help='have a real uWSGI read the requests; it must be installed',
    )
    chosen = options.parse_args()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        cloud = stack.enter_context(started_cloud())
        cloud.add_host(
            'host',
            machines.symmetric(1, 16),
            shared=range(16),
            traits=policy.TRAITS,
        )
        logging.disable(logging.ERROR)
        checker = stack.enter_context(CHECKERS[chosen.what](cloud))
        requests = checker.requests()
        if chosen.uwsgi:
            server = stack.enter_context(wire.UWSGI())
            checker.door.server = checker.nova.server = server
        done = 0
        # In parts, since hypothesis remembers all that it has tried.
        while (done := sum(checker.outcomes.values())) < chosen.cases:
            _run(
                checker,
                requests,
                min(AT_ONCE, chosen.cases - done),
                chosen.seed + done,
            )
            print(
                f'\r{sum(checker.outcomes.values())} cases, '
                f'{time.monotonic() - began:.0f} s',
                end='',
                file=sys.stderr,
                flush=True,
            )
    print(f'\n{done} cases, {time.monotonic() - began:.0f} s')
    for outcome, count in checker.outcomes.items():
        print(f'{outcome}: {count}')


def _run(checker, requests, cases, start):
    @seed(start)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests)
    def check(request):
        checker.check(request)

    check()


if __name__ == '__main__':
    main()
