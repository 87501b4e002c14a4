"""What of a host is looked at before its NUMA cells, and after."""

import collections
import dataclasses
import functools
from collections.abc import Iterator, Mapping

from numa_sched import destination
from numa_sched.answers.refusals import Refusal, Rule
from numa_sched.answers.request import Move, Request
from numa_sched.destination import Migration, Node
from numa_sched.exceptions import NotFoundError
from numa_sched.fit.claim import Claim
from numa_sched.fleet import Fleet, FleetHost, ServerGroup

# Disks may be on a provider that several hosts share.
OF_THE_HOST = frozenset({'VCPU', 'PCPU', 'MEMORY_MB'})

THERE = Refusal(Rule.SOURCE, 'the server is there', 'the server is there')
"""Why a server does not go where it is, whatever else there is to say."""


class Checks:
    """The rules that a request holds hosts to, but for NUMA fit."""

    def __init__(self, fleet: Fleet, request: Request):
        """Work out what is the same for all hosts.

        :raises NotFoundError: if there is no such aggregate
        """
        self._fleet, self._request = fleet, request
        self._source = request.server and request.server.host
        self._aggregate = _hosts_of_aggregate(fleet, request.aggregate)
        self._required = sorted(request.required)
        self._forbidden = sorted(request.asked.forbidden)
        self.group = _group(fleet, request)
        self.migration = _migration(fleet, request)

    @functools.cached_property
    def _members(self) -> collections.Counter[str]:
        return members(self._fleet, self.group)

    def is_source(self, host: FleetHost) -> bool:
        """Whether the server is on a host, which is so not looked at."""
        return host.name == self._source

    def of(self, host: FleetHost) -> Iterator[Refusal]:
        """Give why a host will not do, as far as is known before a claim."""
        yield from self.lasting(host)
        yield from self.amounts(host)
        yield from self.in_group(host, self._members)

    def lasting(self, host: FleetHost) -> Iterator[Refusal]:
        """Give why a host will not do, whatever servers come and go."""
        request = self._request
        if request.problems and request.move is Move.CREATE:
            yield Refusal(
                Rule.POLICY,
                'the request is refused: ' + '; '.join(request.problems),
                'the request is refused by the live-migration policy',
            )
        yield from _service(host)
        if request.zone is not None and host.zone != request.zone:
            yield Refusal(
                Rule.ZONE,
                f'is in the zone {host.zone}, {request.zone} is asked for',
                f'not in the zone {request.zone}',
            )
        if self._aggregate is not None and host.name not in self._aggregate:
            yield _same(
                Rule.AGGREGATE, f'not in the aggregate {request.aggregate}'
            )
        for trait in self._required:
            if trait not in host.traits:
                yield _same(Rule.TRAITS, f'without the trait {trait}')
        for trait in self._forbidden:
            if trait in host.traits:
                yield _same(
                    Rule.TRAITS, f'with the trait {trait}, which is forbidden'
                )
        if self.migration is not None:
            reason = destination.refusal(self.migration, host.node)
            if reason is not None:
                yield Refusal.of(Rule.DESTINATION, reason)

    def pages(self, host: FleetHost, claim: Claim) -> Iterator[Refusal]:
        """Give why the claim on a host would give a server other pages.

        As ``MigrationDestinationFilter`` has it.
        """
        migration = self.migration
        if (
            migration is None
            or not migration.claims_on(host.node)
            or not claim.guest.cells[0].page_size
        ):
            return
        reason = destination.page_refusal(
            migration.page_size, claim.page_sizes[0]
        )
        if reason is not None:
            yield Refusal.of(Rule.DESTINATION, reason)

    def amounts(self, host: FleetHost) -> Iterator[Refusal]:
        """Give what placement has too little of on a host."""
        if host.inventories is None:
            return
        for name, amount in self._request.asked.resources.items():
            has = host.inventories.get(name)
            if has is None:
                if name in OF_THE_HOST:
                    yield Refusal(
                        Rule.AMOUNTS,
                        f'placement knows no {name} of it, {amount} needed',
                        f'no {name}',
                    )
            elif has.free < amount:
                yield Refusal(
                    Rule.AMOUNTS,
                    f'needs {amount} {name} of placement, '
                    f'{max(has.free, 0)} free',
                    f'not enough {name} free in placement',
                )

    def in_group(
        self, host: FleetHost, members: Mapping[str, int]
    ) -> Iterator[Refusal]:
        """Give what the filters of Nova for server groups say.

        Source: ``nova.scheduler.filters.affinity_filter``.

        :param members: how many servers of the group are on which hosts, as
            :func:`members` gives it
        """
        group = self.group
        if group is None:
            return
        there = members.get(host.name, 0)
        if group.policy == 'affinity' and members and not there:
            yield Refusal(
                Rule.GROUP,
                f'the servers of group {group.name} must be together, on '
                + ', '.join(sorted(members)),
                'the server group wants its servers together',
            )
        if group.policy == 'anti-affinity' and there >= group.most_per_host:
            yield Refusal(
                Rule.GROUP,
                f'has {there} servers of group {group.name}, at most '
                f'{group.most_per_host} may be there',
                'the server group wants its servers apart',
            )


def _same(rule: Rule, words: str) -> Refusal:
    return Refusal(rule, words, words)


def _service(host: FleetHost) -> Iterator[Refusal]:
    if host.disabled is not None:
        why = f': {host.disabled}' if host.disabled else ''
        yield Refusal(
            Rule.SERVICE,
            f'its service is disabled{why}',
            'service is disabled',
        )
    if host.up is False:
        yield Refusal(Rule.SERVICE, 'its service is down', 'service is down')


def _hosts_of_aggregate(
    fleet: Fleet, name: str | None
) -> frozenset[str] | None:
    if name is None:
        return None
    for aggregate in fleet.aggregates:
        if name in (aggregate.name, aggregate.uuid):
            return aggregate.hosts
    raise NotFoundError(f'there is no aggregate {name}')


def _group(fleet: Fleet, request: Request) -> ServerGroup | None:
    if request.server is None or request.server.group is None:
        return None
    return next(
        (each for each in fleet.groups if each.uuid == request.server.group),
        None,
    )


def members(
    fleet: Fleet, group: ServerGroup | None
) -> collections.Counter[str]:
    """Give how many servers of a group are on each host, all included."""
    if group is None:
        return collections.Counter()
    return collections.Counter(
        server.host
        for server in fleet.servers
        if server.host is not None and server.uuid in group.members
    )


def _migration(fleet: Fleet, request: Request) -> Migration | None:
    """Give the live migration, None if the request is none."""
    server = request.server
    if server is None or request.move is not Move.LIVE:
        return None
    rules = fleet.rules
    if server.emulated:
        rules = dataclasses.replace(rules, compares_cpus=False)
    return Migration(
        source=_node(fleet, server.host, server.nodename),
        guest_cpu=server.cpu,
        has_numa=bool(server.seats),
        page_size=server.seats[0].page_size_kb if server.seats else None,
        rules=rules,
    )


def _node(fleet: Fleet, host: str | None, nodename: str | None) -> Node:
    found = [each for each in fleet.hosts if each.name == host]
    found.sort(key=lambda each: each.nodename != nodename)
    return found[0].node if found else Node()
