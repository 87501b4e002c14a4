"""One run of the simulation, from its options to what came of it."""

from benchmarks import fleet  # isort: skip  (Nova patches come first)

import dataclasses
import logging
import random
from collections.abc import Callable

from nova.conf import CONF
from nova.scheduler import weights

from benchmarks.simulation import Counts, Simulation, Timing, nova_parts
from benchmarks.simulation.big_host import BigHost, bound
from benchmarks.simulation.migrations import (
    Mover,
    Moves,
    RoomKeeper,
    RoomMaker,
)
from benchmarks.simulation.planner import FleetPlanner
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
NOT_OURS = STOCK, PACKING, BOUND


@dataclasses.dataclass(frozen=True)
class Run:
    """One run; ``ranking`` is one of the stock ones or a ``fit_strategy``.

    ``options`` are those of ``[numa_sched]`` as ``name=value``, with commas;
    ``refusing`` is how many hosts refuse whatever is sent to them in a drain,
    whose requests come within ``within_s`` seconds. ``burst`` is how many
    servers are created at a time, until the cloud is full, 0 if they come and
    go; claims arrive up to ``claim_s`` seconds late. ``candidates`` is how
    many hosts placement gives at most, by chance; 0 for all. ``make_room`` is
    how many migrations there may be after a request was refused,
    ``keep_room`` how many there may be for each request so that none is.
    ``packing`` is whether Nova's weighers beside ours pack.
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
    make_room: int = 0
    keep_room: float = 0.0
    packing: bool = False

    @property
    def strategy(self):
        """The ``fit_strategy``."""
        return 'fragmentation' if self.ranking == ALONE else self.ranking

    @property
    def name(self):
        """What the tables call it."""
        told = [self.ranking, self.options]
        if self.schedulers != 4 and self.ranking != ALONE:
            told.append(f'schedulers={self.schedulers}')
        if self.refusing:
            told.append(f'refusing={self.refusing}')
        if self.within_s != 10.0:
            told.append(f'within={self.within_s:g} s')
        if self.claim_s != 10.0 and self.ranking != ALONE:
            told.append(f'claims within {self.claim_s:g} s')
        if self.candidates:
            told.append(f'candidates={self.candidates}')
        if self.make_room:
            told.append(f'make-room {self.make_room}')
        if self.keep_room:
            told.append(f'keep-room {self.keep_room:g}')
        if self.packing:
            told.append('beside packing')
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


def measure(run, asked: Callable[[], None] = lambda: None):
    """Give a run and what came of it.

    :param asked: is called after each request of the simulation
    """
    _configure(run)
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
    simulation.each_request.append(asked)
    makers = _have_room_made(run, simulation)
    counts, since, more = _go(run, simulation, hosts, makers)
    creates, migrations = bound(
        hosts, simulation.asked, since, simulation.timing
    )
    return run, {
        **_told(counts),
        **more,
        'bound': _told(migrations if run.drained else creates),
        **{
            what: dataclasses.asdict(maker.counts)
            for what, maker in makers.items()
        },
    }


def _configure(run):
    """Set Nova's options, and ours."""
    fleet.configure()
    logging.getLogger('nova').setLevel(logging.CRITICAL)
    logging.getLogger('numa_sched').addHandler(Complain(logging.WARNING))
    multiplier = -1.0 if run.ranking == PACKING or run.packing else 1.0
    for name in ('ram_weight_multiplier', 'cpu_weight_multiplier'):
        CONF.set_override(name, multiplier, 'filter_scheduler')
    if run.ranking not in NOT_OURS:
        CONF.set_override('fit_strategy', run.strategy, 'numa_sched')
        CONF.set_override('scheduler_workers', run.schedulers, 'numa_sched')
    for option in filter(None, run.options.split(',')):
        name, _, value = option.partition('=')
        CONF.set_override(name, value, 'numa_sched')


def _have_room_made(run, simulation) -> dict[str, RoomMaker | RoomKeeper]:
    """Have migrations make room, or keep it; give who does so."""
    mover = Mover(simulation)
    planner = FleetPlanner(simulation.cloud, fleet.WANTED[run.fleet])
    makers: dict[str, RoomMaker | RoomKeeper] = {}
    if run.make_room:
        maker = RoomMaker(simulation, mover, planner, run.make_room)
        simulation.rescue = makers['made'] = maker
    if run.keep_room:
        keeper = RoomKeeper(simulation, mover, planner, run.keep_room)
        simulation.each_request.append(keeper.requested)
        makers['kept'] = keeper
    return makers


def _go(run, simulation, hosts, makers):
    """Give what came of requests, the first that counts, and what else."""
    requests = fleet.REQUESTS[run.fleet]
    cpus = sum(
        cell.dedicated_count for host in hosts for cell in host.layout.cells
    )
    if run.burst:
        counts = Bursts(simulation, requests, cpus, run.burst).run()
        placed = sum(
            server.shape.vcpus for server in simulation.servers.values()
        )
        return counts, 0, {'left_cpus': cpus - placed}
    # The bigger the cloud, the more often it is asked.
    churn = Churn(
        simulation, requests, cpus, run.load, every_s=1500 / run.hosts
    )
    churn.fill()
    if run.drained:
        _drain(run, simulation, hosts)
        return simulation.migrations, 0, {}
    churn.run(run.requests // 2)
    since = len(simulation.asked)
    for maker in makers.values():
        maker.counts = Moves()
    return churn.run(run.requests), since, {}


def _drain(run, simulation, hosts):
    """Have hosts drained, and wait until that is done."""
    simulation.run(simulation.now + 60)
    names = sorted(host.name for host in hosts)
    chosen = random.Random(run.seed).sample(names, run.drained + run.refusing)
    if run.refusing:
        simulation.cloud.refusing.update(chosen[run.drained :])
    simulation.drain(chosen[: run.drained], within_s=run.within_s)
    simulation.run(simulation.now + run.within_s + 590)


def _told(counts: Counts):
    return {
        **dataclasses.asdict(counts),
        'failed_claims': counts.failed_claims,
    }
