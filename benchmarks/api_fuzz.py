"""Odd requests to create servers, for as many cases as wanted.

Each goes to Nova's API with the filter and without. What the filter refuses
must break the rules, what becomes a server must not, and anything else must
be answered as without the filter.
"""

from tests.cloud import started_cloud  # isort: skip  (Nova patches first)

import argparse
import logging
import sys
import time

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.functional import api_fuzz
from tests.functional.api_requests import nothing_built

AT_ONCE = 5000


def main():
    """Run; a case that fails ends it with hypothesis' smallest example."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--cases', type=int, default=100_000)
    options.add_argument('--seed', type=int, default=0)
    chosen = options.parse_args()
    began = time.monotonic()
    with started_cloud() as cloud, nothing_built() as handed_over:
        logging.disable(logging.ERROR)
        checker = api_fuzz.Checker(cloud, handed_over)
        requests = api_fuzz.requests(checker.stock)
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
