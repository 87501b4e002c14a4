"""All plans that there are, by what ``explain`` says of whole fleets."""

import dataclasses

from numa_sched.answers import explain, of_server
from numa_sched.fit.usage import host_after, host_without
from numa_sched.fleet import Seat
from numa_sched.plan.moving import NOTHING, Cost


def cheapest(fleet, request, count, most):
    """Give the price of the cheapest plan of so many moves at most, or None.

    A host that a server with devices has left takes no other.
    """
    begin = fleet, frozenset()
    now = {_key(begin): (NOTHING, begin)}
    for moves in range(most + 1):
        done = [
            cost
            for cost, state in now.values()
            if _room(*state, request, count) >= count
        ]
        if done:
            return min(done)
        if moves < most:
            now = _after_one_more(now)
    return None


def _after_one_more(now):
    found = {}
    for cost, state in now.values():
        for memory_mb, after in _moves(*state):
            more = cost.plus(Cost(1, 0, memory_mb, 1))
            key = _key(after)
            if key not in found or more < found[key][0]:
                found[key] = more, after
    return found


def _key(state):
    fleet, closed = state
    return tuple((each.host, each.seats) for each in fleet.servers), closed


def _room(fleet, closed, request, count):
    """Give how many have room one by one, wherever they are put."""
    for placed in range(count):
        verdict = next(_passing(fleet, closed, request), None)
        if verdict is None:
            return placed
        fleet = with_host(fleet, arrived(verdict, request))
    return count


def _passing(fleet, closed, request):
    for verdict in explain(fleet, request).passing:
        if verdict.host.name not in closed:
            yield verdict


def _moves(fleet, closed):
    for at, server in enumerate(fleet.servers):
        if server.locked:
            continue
        request = of_server(server)
        (source,) = (each for each in fleet.hosts if each.name == server.host)
        for verdict in _passing(fleet, closed, request):
            claim = verdict.claim
            after = with_host(fleet, arrived(verdict, request))
            after = with_host(after, left(source, server))
            moved = dataclasses.replace(
                server,
                host=verdict.host.name,
                nodename=verdict.host.nodename,
                seats=seats_of(claim),
            )
            servers = list(after.servers)
            servers[at] = moved
            yield (
                server.flavor.memory_mb,
                (
                    dataclasses.replace(after, servers=tuple(servers)),
                    closed | {source.name} if server.guest.devices else closed,
                ),
            )


def seats_of(claim):
    """Give what a guest holds of its host once it is claimed."""
    return tuple(
        Seat(cell, taken.pinned | taken.reserved, size)
        for cell, taken, size in zip(
            claim.cell_ids, claim.fits, claim.page_sizes, strict=True
        )
    )


def with_host(fleet, host):
    """Give a fleet in which a host has changed."""
    return dataclasses.replace(
        fleet,
        hosts=tuple(
            host if each.name == host.name else each for each in fleet.hosts
        ),
    )


def arrived(verdict, request):
    """Give the host of a verdict once the server is there."""
    host = _counted(verdict.host, request.asked, 1)
    return dataclasses.replace(host, host=host_after(verdict.claim))


def left(host, server):
    """Give a host once a server has left it."""
    counted = _counted(host, server.asked, -1)
    topology = host_without(host.host, server.guest, server.seats)
    return dataclasses.replace(counted, host=topology)


def _counted(host, asked, sign):
    return dataclasses.replace(
        host,
        inventories={
            name: dataclasses.replace(
                each,
                used=each.used + sign * asked.resources.get(name, 0),
            )
            for name, each in host.inventories.items()
        },
    )
