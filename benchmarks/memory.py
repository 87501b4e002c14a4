"""What is kept of a host between requests."""

from benchmarks import fleet  # isort: skip  (Nova patches come first)

import gc
import logging
import sys
import tracemalloc

from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.nova.scheduler.views import MAX_VERDICTS_PER_HOST, VIEWS
from numa_sched.nova.scheduler.weighers import NUMAFitWeigher

HOSTS = 1000
GOAL = 4096


def main():
    """Print bytes kept per host of 2 cells; exit with 1 if over the goal."""
    fleet.configure()
    logging.disable(logging.ERROR)
    values = fleet.hosts(HOSTS, 2, 64)
    requests = [fleet.request(1, n) for n in range(1, 20)]
    weigher = NUMAFitWeigher()

    def ask(request, states):
        for state in NUMAFitFilter().filter_all(states, request):
            weigher._weigh_object(state, request)

    ask(requests[0], fleet.host_states(values[:1]))  # imports, layouts
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for request in requests:
        ask(request, fleet.host_states(values))
    gc.collect()
    each = (tracemalloc.get_traced_memory()[0] - before) / HOSTS
    print(
        f'{len(VIEWS)} hosts of 2 cells x 64 threads, {len(requests)} guest '
        f'shapes asked for, {MAX_VERDICTS_PER_HOST} kept: {each:.0f} bytes '
        f'a host (goal {GOAL})'
    )
    return 1 if each > GOAL else 0


if __name__ == '__main__':
    sys.exit(main())
