"""Plans about a simulated cloud, by the package's own planner."""

import dataclasses
import itertools
from collections.abc import Sequence

from benchmarks.simulation import Shape, Simulation
from benchmarks.simulation.migrations import Move, Plan
from benchmarks.simulation.nova_parts import (
    CLASSES,
    SimulatedCloud,
    inventory,
)
from numa_sched import plan
from numa_sched.answers import Request, of_flavor
from numa_sched.fleet import Flavor, Fleet, FleetHost, Inventory, Server
from numa_sched.nova import convert, guests, nodes
from numa_sched.nova.fleet import seat
from numa_sched.plan import Outcome, Step, Terms

MOST_LOOKS = 20_000
"""Looks of a search at its clock, some 10 s of work, after which it ends.

They are counted, as real time would have a say in what a simulation comes to.
Plans of two migrations take a tenth of it.
"""

TRAITS = frozenset({'HW_CPU_HYPERTHREADING'})
"""Those of all hosts, as far as flavors of a simulation ask for any."""


class FleetReader:
    """Reads a simulated cloud as its databases would tell it.

    What is on its way to a host is known to placement, and seen in the cells
    only once its claim has arrived.
    """

    def __init__(self, cloud: SimulatedCloud):
        """Take the cloud; nothing is read yet."""
        self._cloud = cloud
        # What has not changed is the same object again.
        self._hosts: dict[str, tuple[object, FleetHost]] = {}
        self._servers: dict[str, Server] = {}
        self._flavors: dict[Shape, Flavor] = {}

    def read(self, simulation: Simulation) -> Fleet:
        """Give the fleet as it is now."""
        hosts = map(self._host, self._cloud.states)
        self._servers = {
            each.claim: self._server(each)
            for each in simulation.servers.values()
        }
        return Fleet(
            tuple(
                dataclasses.replace(host, disabled='')
                if host.name in simulation.drained
                else host
                for host in hosts
            ),
            tuple(
                dataclasses.replace(
                    self._servers[each.claim], task_state='migrating'
                )
                if each.moving
                else self._servers[each.claim]
                for each in simulation.servers.values()
            ),
            rules=nodes.rules(),
        )

    def flavor(self, shape: Shape) -> Flavor:
        """Give the flavor of a shape."""
        if shape not in self._flavors:
            flavor = guests.flavor(self._cloud.flavor(shape))
            self._flavors[shape] = flavor
        return self._flavors[shape]

    def _host(self, name):
        state, left = self._cloud.states[name], self._cloud.left(name)
        key = state.updated, left
        known = self._hosts.get(name)
        if known is None or known[0] != key:
            totals = zip(CLASSES, inventory(state), left, strict=True)
            host = FleetHost(
                name,
                name,
                state.uuid,
                convert.host(state),
                nodes.of_state(state),
                traits=TRAITS,
                up=True,
                inventories={
                    each: Inventory(total, used=total - has)
                    for each, total, has in totals
                },
            )
            known = self._hosts[name] = key, host
        return known[1]

    def _server(self, server):
        known = self._servers.get(server.claim)
        if known is not None:
            return known
        flavor = self.flavor(server.shape)
        return Server(
            server.name,
            server.name,
            None,
            server.host,
            server.host,
            flavor,
            guest=flavor.guest,
            seats=tuple(map(seat, self._cloud.taken(server.claim))),
            vm_state='active',
            asked=flavor.asked,
        )


class FleetPlanner:
    """A :class:`benchmarks.simulation.migrations.Planner`."""

    def __init__(
        self,
        cloud: SimulatedCloud,
        wanted: Sequence[tuple[Shape, int]] = (),
    ):
        """Take the cloud, and how many servers of which shapes have room."""
        self._reader = FleetReader(cloud)
        self._wanted = wanted
        self._requests: dict[Shape, Request] = {}

    def make_room(
        self, simulation: Simulation, shape: Shape, most: int
    ) -> Plan | None:
        """Give a plan after which a new server has room; None for none."""
        made = plan.make_room(
            self._reader.read(simulation),
            self._request(shape),
            terms=Terms(most=most, seconds=MOST_LOOKS),
            clock=itertools.count().__next__,
        )
        if made.outcome in (Outcome.THERE, Outcome.FOUND):
            return _moves(made.waves)
        return None

    def keep_room(self, simulation: Simulation, most: int) -> Plan:
        """Give a plan that leads to as much of the room as it can."""
        kept = plan.keep_room(
            self._reader.read(simulation),
            [(self._request(shape), count) for shape, count in self._wanted],
            Terms(most=most, seconds=MOST_LOOKS),
            clock=itertools.count().__next__,
        )
        return _moves(kept.waves)

    def _request(self, shape: Shape) -> Request:
        if shape not in self._requests:
            self._requests[shape] = of_flavor(self._reader.flavor(shape))
        return self._requests[shape]


def _moves(waves: Sequence[Sequence[Step]]) -> Plan:
    return tuple(tuple(map(_move, wave)) for wave in waves)


def _move(step: Step) -> Move:
    return Move(step.server.uuid, step.source, step.destination)
