"""Requests refused and attempts needed, by scheduler, in simulated clouds.

Three ways to rank hosts, side by side on the same seeds: Nova's default
weighers, Nova's with the multipliers of RAM and CPU below 0 (both behind its
NUMATopologyFilter), and ours beside Nova's default weighers, with what the
README says to put into nova.conf. The claim is Nova's in all of them.

Two more say what can be had at all: *alone* is ours with one scheduler that
has one request at a time, whose claim arrives at once, and *bound* one host
that has the CPUs and the memory of all.
"""

from benchmarks import fleet  # isort: skip  (Nova patches come first)

import argparse
import dataclasses
import itertools
import json
import logging
import multiprocessing
import pathlib
import random
import statistics
import sys
import time

import prettytable
from nova.conf import CONF
from nova.scheduler import weights

from benchmarks import plot
from benchmarks.simulation import Simulation, Timing, nova_parts
from benchmarks.simulation.big_host import BigHost
from benchmarks.simulation.workload import Bursts, Churn
from numa_sched.history.mix import LearnedMix
from numa_sched.nova.scheduler.demand import Demand
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.nova.scheduler.refusals import Memory
from numa_sched.nova.scheduler.underway import Choices
from numa_sched.nova.scheduler.weighers import NUMAFitWeigher

STOCK, PACKING = 'stock default', 'stock packing'
BOUND, ALONE = 'bound', 'alone'
CHURN, DRAIN, BURSTS = 'churn', 'drain', 'bursts'
TITLES = {
    CHURN: 'Requests refused',
    DRAIN: 'Live migrations of a drain: attempts beyond the first',
    BURSTS: 'Creates, many at a time, until the cloud is full: claims failed',
}
NOT_OURS = STOCK, PACKING, BOUND


@dataclasses.dataclass(frozen=True)
class Run:
    """One run; ``ranking`` is one of the stock ones or a ``fit_strategy``.

    ``options`` are those of ``[numa_sched]`` as ``name=value``, with commas;
    ``refusing`` is how many hosts refuse whatever is sent to them in a drain,
    whose requests come within ``within_s`` seconds. ``burst`` is how many
    servers are created at a time, until the cloud is full, 0 if they come and
    go; claims arrive up to ``claim_s`` seconds late. ``candidates`` is how
    many hosts placement gives at most, by chance; 0 for all.
    """

    ranking: str
    fleet: str
    hosts: int
    load: float
    requests: int
    drained: int
    seed: int
    options: str = ''
    schedulers: int = 4
    refusing: int = 0
    within_s: float = 10.0
    burst: int = 0
    claim_s: float = 10.0
    candidates: int = 0

    @property
    def strategy(self):
        """The ``fit_strategy``."""
        return 'fragmentation' if self.ranking == ALONE else self.ranking

    @property
    def name(self):
        """What the tables call it."""
        told = [self.ranking, self.options]
        if self.ranking == ALONE:
            return ', '.join(filter(None, told))
        if self.schedulers != 4:
            told.append(f'schedulers={self.schedulers}')
        if self.refusing:
            told.append(f'refusing={self.refusing}')
        if self.within_s != 10.0:
            told.append(f'within={self.within_s:g} s')
        if self.claim_s != 10.0:
            told.append(f'claims within {self.claim_s:g} s')
        if self.candidates:
            told.append(f'candidates={self.candidates}')
        return ', '.join(filter(None, told))


class Complain(logging.Handler):
    """Ends a run in which our code warns: it would measure something else."""

    def emit(self, record):
        """Raise what was logged."""
        raise RuntimeError(record.getMessage())


def scheduler(ranking, clock):
    """Give a scheduler worker, with a memory of its own."""
    stock = [
        weigher()
        for weigher in weights.HostWeightHandler().get_matching_classes(
            ['nova.scheduler.weights.all_weighers']
        )
    ]
    if ranking in NOT_OURS:
        remembered = nova_parts.RememberedNUMATopologyFilter()
        return nova_parts.Scheduler([remembered], stock)
    demand, memory = Demand(LearnedMix(), clock), Memory(clock)
    choices = Choices(clock)
    return nova_parts.Scheduler(
        [NUMAFitFilter(demand, choices)],
        [*stock, NUMAFitWeigher(demand, memory, choices)],
        [memory.note],
    )


def measure(run):
    """Give a run and what came of it."""
    fleet.configure()
    logging.getLogger('nova').setLevel(logging.CRITICAL)
    logging.getLogger('numa_sched').addHandler(Complain(logging.WARNING))
    multiplier = -1.0 if run.ranking == PACKING else 1.0
    for name in ('ram_weight_multiplier', 'cpu_weight_multiplier'):
        CONF.set_override(name, multiplier, 'filter_scheduler')
    if run.ranking not in NOT_OURS:
        CONF.set_override('fit_strategy', run.strategy, 'numa_sched')
        CONF.set_override('scheduler_workers', run.schedulers, 'numa_sched')
    for option in filter(None, run.options.split(',')):
        name, _, value = option.partition('=')
        CONF.set_override(name, value, 'numa_sched')
    hosts = fleet.FLEETS[run.fleet](run.hosts)
    simulation = None
    cloud = (
        BigHost(hosts)
        if run.ranking == BOUND
        else nova_parts.SimulatedCloud(
            hosts,
            lambda: scheduler(
                run.ranking, lambda: simulation.now if simulation else 0.0
            ),
            schedulers=run.schedulers,
            seed=run.seed,
            candidates=run.candidates,
        )
    )
    simulation = Simulation(
        cloud,
        seed=run.seed,
        schedulers=run.schedulers,
        timing=Timing(claim_s=run.claim_s),
    )
    cpus = sum(
        cell.dedicated_count for host in hosts for cell in host.layout.cells
    )
    if run.burst:
        bursts = Bursts(simulation, fleet.REQUESTS[run.fleet], cpus, run.burst)
        counts = bursts.run()
        placed = sum(
            server.shape.vcpus for server in simulation.servers.values()
        )
        return run, _told(counts, left_cpus=cpus - placed)
    # The bigger the cloud, the more often it is asked.
    churn = Churn(
        simulation,
        fleet.REQUESTS[run.fleet],
        cpus,
        run.load,
        every_s=1500 / run.hosts,
    )
    churn.fill()
    if run.drained:
        simulation.run(simulation.now + 60)
        names = sorted(host.name for host in hosts)
        chosen = random.Random(run.seed).sample(
            names, run.drained + run.refusing
        )
        cloud.refusing.update(chosen[run.drained :])
        simulation.drain(chosen[: run.drained], within_s=run.within_s)
        simulation.run(simulation.now + run.within_s + 590)
        counts = simulation.migrations
    else:
        churn.run(run.requests // 2)
        counts = churn.run(run.requests)
    return run, _told(counts)


def _told(counts, **more):
    return {
        **dataclasses.asdict(counts),
        'failed_claims': counts.failed_claims,
        **more,
    }


def interval(values):
    """Give mean and a 95 % interval of it, by bootstrap over the seeds."""
    draw = random.Random(0)
    means = sorted(
        statistics.fmean(draw.choices(values, k=len(values)))
        for _ in range(2000)
    )
    return statistics.fmean(values), means[50], means[-51]


def shares(found):
    """Give the figure of each run: claims failed, or requests refused.

    Claims are what counts in a drain, where each that fails is an attempt
    beyond the first, and in bursts.
    """
    return [
        counts['failed_claims' if run.drained or run.burst else 'refused']
        / counts['requests']
        for run, counts in found
    ]


def table(results):
    """Give the rows of the report, one for each case and ranking."""

    def case(result):
        run, _ = result
        kind = DRAIN if run.drained else BURSTS if run.burst else CHURN
        return run.fleet, run.hosts, kind, run.load, run.name

    rows = []
    for key, found in itertools.groupby(sorted(results, key=case), key=case):
        found = list(found)
        mean, low, high = interval(shares(found))
        cpus = sum(counts['cpus'] for _, counts in found)
        refused = sum(counts['refused_cpus'] for _, counts in found)
        rows.append(
            {
                'fleet': key[0],
                'hosts': key[1],
                'kind': key[2],
                'load': key[3],
                'ranking': key[4],
                'mean': mean,
                'low': low,
                'high': high,
                'refused_cpus': refused / cpus if cpus else 0.0,
                'requests': sum(each['requests'] for _, each in found),
                'refused': sum(each['refused'] for _, each in found),
                'failed': sum(each['failed_claims'] for _, each in found),
                'errors': sum(each['errors'] for _, each in found),
                'left': statistics.fmean(
                    each.get('left_cpus', 0) for _, each in found
                ),
                'seeds': len(found),
            }
        )
    return rows


COLUMNS = {
    'fleet': lambda row: row['fleet'],
    'hosts': lambda row: row['hosts'],
    'load': lambda row: f'{row["load"]:.0%}',
    'ranking': lambda row: row['ranking'],
    'mean, %': lambda row: f'{row["mean"]:.2%}'.rstrip('%'),
    '95 %': lambda row: f'{100 * row["low"]:.2f} to {100 * row["high"]:.2f}',
    'CPUs refused': lambda row: f'{row["refused_cpus"]:.2%}',
    'requests': lambda row: row['requests'],
    'refused': lambda row: row['refused'],
    'claims failed': lambda row: row['failed'],
    'errors': lambda row: row['errors'],
    'CPUs left': lambda row: f'{row["left"]:.1f}',
    'seeds': lambda row: row['seeds'],
}


def report(rows):
    """Print a table for each kind of run."""
    for kind, title in TITLES.items():
        shown = prettytable.PrettyTable(list(COLUMNS))
        shown.title = title
        for row in rows:
            if row['kind'] == kind:
                shown.add_row([told(row) for told in COLUMNS.values()])
        if shown.rows:
            print(shown)


def main():
    """Run all and report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--fleets', nargs='+', default=['telco', 'trace'])
    options.add_argument('--hosts', type=int, nargs='+', default=[100])
    options.add_argument(
        '--loads', type=float, nargs='+', default=[0.7, 0.8, 0.9]
    )
    options.add_argument(
        '--rankings', nargs='+', default=[STOCK, PACKING, 'fragmentation']
    )
    options.add_argument('--requests', type=int, default=2000)
    options.add_argument('--seeds', type=int, default=5)
    options.add_argument(
        '--drain', type=int, default=0, help='hosts to drain, in percent'
    )
    options.add_argument(
        '--set',
        nargs='+',
        default=[],
        metavar='OPTION=VALUE',
        help='of [numa_sched], for rankings that are not of stock Nova',
    )
    options.add_argument('--schedulers', type=int, nargs='+', default=[4])
    options.add_argument(
        '--burst',
        type=int,
        default=0,
        help='servers that are created at a time, until the cloud is full',
    )
    options.add_argument(
        '--claims',
        type=float,
        default=10.0,
        help='seconds within which a claim arrives',
    )
    options.add_argument(
        '--refusing',
        type=int,
        default=0,
        help='hosts that refuse all live migrations of a drain, in percent',
    )
    options.add_argument(
        '--within',
        type=float,
        default=10.0,
        help='seconds within which the requests of a drain come',
    )
    options.add_argument(
        '--candidates',
        type=int,
        nargs='+',
        default=[0],
        help='most hosts that placement gives, by chance; 0 for all',
    )
    options.add_argument('--processes', type=int, default=2)
    options.add_argument(
        '--json',
        type=pathlib.Path,
        help='keep results here, and go on from those',
    )
    options.add_argument('--svg', type=pathlib.Path, help='draw a plot there')
    chosen = options.parse_args()
    runs = [
        Run(
            ranking,
            which,
            hosts,
            load,
            chosen.requests * hosts // 100,
            hosts * chosen.drain // 100,
            seed,
            '' if ranking in NOT_OURS else ','.join(chosen.set),
            1 if ranking == ALONE else schedulers,
            hosts * chosen.refusing // 100,
            chosen.within,
            chosen.burst,
            0.0 if ranking == ALONE else chosen.claims,
            0 if ranking == BOUND else candidates,
        )
        for (
            hosts,
            candidates,
            which,
            load,
            schedulers,
            seed,
            ranking,
        ) in itertools.product(
            chosen.hosts,
            chosen.candidates,
            chosen.fleets,
            [1.0] if chosen.burst else chosen.loads,
            chosen.schedulers,
            range(chosen.seeds),
            chosen.rankings,
        )
    ]
    results = []
    if chosen.json and chosen.json.exists():
        results = [
            (Run(**run), counts)
            for run, counts in json.loads(chosen.json.read_text())
        ]
    known = {run for run, _ in results}
    runs = [run for run in runs if run not in known]
    began = time.monotonic()
    with multiprocessing.Pool(chosen.processes) as pool:
        for number, result in enumerate(
            pool.imap_unordered(measure, runs), start=1
        ):
            results.append(result)
            print(
                f'\r{number} of {len(runs)} runs, '
                f'{time.monotonic() - began:.0f} s',
                end='',
                file=sys.stderr,
                flush=True,
            )
            if chosen.json:
                chosen.json.write_text(
                    json.dumps(
                        [
                            (dataclasses.asdict(run), each)
                            for run, each in results
                        ]
                    )
                )
    print(file=sys.stderr)
    rows = table(results)
    report(rows)
    if chosen.svg:
        plot.bars(rows).savefig(chosen.svg)


if __name__ == '__main__':
    main()
