"""Aggregates that keep servers out which are not meant for them.

Whether a cloud goes by these rules is for its configuration to say, which
fleets do not tell. A plan keeps them all: so each of its steps is allowed
either way.
"""

import dataclasses
from collections.abc import Iterator

from numa_sched.answers import Request
from numa_sched.fleet import Aggregate, Fleet, FleetHost

TENANT = 'filter_tenant_id'
TRAIT = 'trait:'


@dataclasses.dataclass(frozen=True, slots=True)
class _Gate:
    """What an aggregate asks of the servers on its hosts."""

    traits: frozenset[str]
    projects: frozenset[str]

    def admits(self, request: Request) -> bool:
        if not self.traits <= request.required:
            return False
        server = request.server
        # Of a new server nobody knows the project.
        project = server.project if server else None
        return not self.projects or project in self.projects


class Isolation:
    """Which hosts are kept for others.

    Sources: ``nova.scheduler.request_filter.isolate_aggregates`` and
    ``nova.scheduler.filters.aggregate_multitenancy_isolation``.
    """

    def __init__(self, fleet: Fleet):
        """Take the aggregates of a fleet."""
        self._gates: dict[str, list[_Gate]] = {}
        for aggregate in fleet.aggregates:
            gate = _Gate(
                frozenset(_traits(aggregate)), frozenset(_projects(aggregate))
            )
            if gate.traits or gate.projects:
                for host in aggregate.hosts:
                    self._gates.setdefault(host, []).append(gate)

    @property
    def asks_for_projects(self) -> bool:
        """Whether the project of a server makes any difference."""
        return any(
            gate.projects for gates in self._gates.values() for gate in gates
        )

    def admits(self, request: Request, host: FleetHost) -> bool:
        """Whether no aggregate keeps a request from a host."""
        gates = self._gates.get(host.name, ())
        return all(gate.admits(request) for gate in gates)


def _traits(aggregate: Aggregate) -> Iterator[str]:
    for key, value in aggregate.metadata.items():
        if key.startswith(TRAIT) and value == 'required':
            yield key.removeprefix(TRAIT)


def _projects(aggregate: Aggregate) -> Iterator[str]:
    """Give the projects that it is for; its keys may end in anything."""
    for key, value in aggregate.metadata.items():
        if key.startswith(TENANT):
            yield from (each.strip() for each in value.split(','))
