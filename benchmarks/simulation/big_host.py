"""All hosts in one: what no ranking can beat, and no migration."""

from collections.abc import Sequence

from benchmarks.simulation import Asked, Counts, Shape, Simulation, Timing
from numa_sched.topology import Host

TIMING = Timing()


class BigHost:
    """One host with all CPUs and all memory; a :class:`Cloud`.

    It has no cells, so whatever is free is of use, and schedulers know all.
    """

    NAME = 'all'

    def __init__(self, hosts: Sequence[Host]):
        """Take the hosts; what is in use of them is not free."""
        self._cpus = sum(
            cell.free.bit_count() for host in hosts for cell in host.cells
        )
        self._memory_mb = sum(
            cell.memory_free_mb for host in hosts for cell in host.cells
        )
        self._claims: dict[str, Shape] = {}

    def ranked(
        self, scheduler, server, shape, ignored, disabled=(), named=None
    ):
        """Give the one host, if it has room."""
        return [self.NAME] if self._has_room(shape) else []

    def allocate(self, claim, shape, host):
        """Take CPUs and memory; whether there was enough."""
        if not self._has_room(shape):
            return False
        self._cpus -= shape.vcpus
        self._memory_mb -= shape.memory_mb
        self._claims[claim] = shape
        return True

    def chosen(self, server, host):
        """Note nothing: there is no choice."""

    def claim(self, claim, shape, host):
        """Take what is allocated already."""
        return True

    def release(self, claim):
        """Give back what was allocated under a name."""
        shape = self._claims.pop(claim)
        self._cpus += shape.vcpus
        self._memory_mb += shape.memory_mb

    def _has_room(self, shape):
        return shape.vcpus <= self._cpus and shape.memory_mb <= self._memory_mb


def bound(
    hosts: Sequence[Host],
    asked: Sequence[Asked],
    since: int = 0,
    timing: Timing = TIMING,
) -> tuple[Counts, Counts]:
    """Give what comes of requests on one big host: creates, and migrations.

    They come at the same times and their servers live as long. Those that
    are sent away from a host that is drained migrate on the big one, which has
    to have room for them twice for a while.

    :param since: the number of the first request that counts
    """
    simulation = Simulation(BigHost(hosts), timing=timing)
    for number, each in enumerate(asked):
        simulation.run(each.at)
        if number == since:
            simulation.creates = Counts()
        server = simulation.create(each.shape, each.lifetime_s)
        for at in each.moves:
            simulation.after(at - each.at, _migrate, simulation, server)
    last = max(
        (at for each in asked for at in (each.at, *each.moves)),
        default=0.0,
    )
    simulation.run(last + timing.claim_s)
    return simulation.creates, simulation.migrations


def _migrate(simulation, server):
    if server.name in simulation.servers and not server.moving:
        simulation.live_migrate(server)
