"""Requests that keep a cloud at a load."""

import dataclasses
from collections.abc import Sequence

from numa_sched.simulation import Counts, Shape, Simulation


@dataclasses.dataclass(frozen=True, slots=True)
class Requests:
    """Shapes that are asked for, each as often as its weight says."""

    name: str
    shapes: Sequence[Shape]
    weights: Sequence[float]

    def mean_cpus(self) -> float:
        """Give the CPUs of a request on average."""
        return sum(
            shape.vcpus * weight
            for shape, weight in zip(self.shapes, self.weights, strict=True)
        ) / sum(self.weights)


class Churn:
    """Servers that come by chance and live as long as chance has it.

    The load is the offered one: what arrives in a mean lifetime, in CPUs, as
    a share of the CPUs there are. Arrivals are Poisson, lifetimes
    exponential; a request that is refused is gone.
    """

    def __init__(
        self,
        simulation: Simulation,
        requests: Requests,
        capacity_cpus: int,
        load: float,
        every_s: float = 15.0,
    ):
        """Begin with the simulation as it is.

        :param capacity_cpus: CPUs of all hosts together
        :param every_s: mean seconds between two arrivals
        """
        self.simulation, self.requests = simulation, requests
        self.every_s = every_s
        self._wanted_cpus = load * capacity_cpus
        servers = self._wanted_cpus / requests.mean_cpus()
        self.lifetime_s = servers * every_s

    def fill(self) -> None:
        """Let servers come, and none go, until the load is reached.

        Where schedulers cannot reach it, as many come as it would take.
        """
        simulation = self.simulation
        wanted = self._wanted_cpus
        while wanted > 0:
            shape = self._draw()
            wanted -= shape.vcpus
            simulation.create(shape)
            simulation.run(simulation.now + self.every_s)
        # Those that are still on their way have to go some day, too.
        timing = simulation.timing
        simulation.run(
            simulation.now + (1 + timing.alternates) * timing.claim_s
        )
        for server in simulation.servers.values():
            simulation.after(
                simulation.random.expovariate(1 / self.lifetime_s),
                simulation.delete,
                server,
            )

    def run(self, requests: int) -> Counts:
        """Give what came of so many requests."""
        simulation = self.simulation
        simulation.creates = Counts()
        for _ in range(requests):
            simulation.run(
                simulation.now
                + simulation.random.expovariate(1 / self.every_s)
            )
            simulation.create(
                self._draw(),
                simulation.random.expovariate(1 / self.lifetime_s),
            )
        return simulation.creates

    def _draw(self):
        return self.simulation.random.choices(
            self.requests.shapes, self.requests.weights
        )[0]
