"""Requests that keep a cloud at a load."""

import dataclasses
import random
from collections.abc import Sequence

from benchmarks.simulation import Counts, Shape, Simulation


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
        on_their_way_s = (1 + timing.alternates) * timing.claim_s
        simulation.run(simulation.now + on_their_way_s)
        while simulation.waiting:
            simulation.run(simulation.now + on_their_way_s)
        for server in simulation.servers.values():
            left_s = simulation.random.expovariate(1 / self.lifetime_s)
            simulation.after(left_s, simulation.delete, server)
            server.asked.lifetime_s = simulation.now - server.asked.at + left_s
        # Of those refused nobody needs to know, but who counts what they
        # would have taken.
        draw = random.Random(len(simulation.asked))
        for asked in simulation.asked:
            if asked.lifetime_s is None:
                left_s = draw.expovariate(1 / self.lifetime_s)
                asked.lifetime_s = simulation.now - asked.at + left_s

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


class Bursts:
    """Servers that are asked for many at a time, until a cloud is full.

    Together they ask for all CPUs that there are, or a few less: for as much
    as one big host would have room for. None of them goes.
    """

    def __init__(
        self,
        simulation: Simulation,
        requests: Requests,
        capacity_cpus: int,
        size: int = 10,
        every_s: float = 60.0,
        within_s: float = 1.0,
    ):
        """Begin with the simulation as it is.

        :param capacity_cpus: CPUs of all hosts together
        :param every_s: seconds from one burst to the next
        :param within_s: seconds within which the requests of a burst come
        """
        self.simulation, self.requests = simulation, requests
        self.size, self.every_s, self.within_s = size, every_s, within_s
        self._left_cpus = capacity_cpus

    def run(self) -> Counts:
        """Give what came of all requests, once none is under way."""
        simulation = self.simulation
        shapes = list(self._drawn())
        simulation.creates = Counts()
        for start in range(0, len(shapes), self.size):
            for shape in shapes[start : start + self.size]:
                simulation.after(
                    simulation.random.uniform(0, self.within_s),
                    simulation.create,
                    shape,
                )
            simulation.run(simulation.now + self.every_s)
        simulation.run()
        return simulation.creates

    def _drawn(self):
        left = self._left_cpus
        while True:
            fitting = [
                (shape, weight)
                for shape, weight in zip(
                    self.requests.shapes, self.requests.weights, strict=True
                )
                if shape.vcpus <= left
            ]
            if not fitting:
                return
            shapes, weights = zip(*fitting, strict=True)
            shape = self.simulation.random.choices(shapes, weights)[0]
            left -= shape.vcpus
            yield shape
