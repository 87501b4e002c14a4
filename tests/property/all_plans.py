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
        fleet = _with(fleet, _arrived(verdict, request))
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
            after = _with(fleet, _arrived(verdict, request))
            after = _with(after, _left(source, server))
            moved = dataclasses.replace(
                server,
                host=verdict.host.name,
                nodename=verdict.host.nodename,
                seats=tuple(
                    Seat(cell, taken.pinned | taken.reserved, size)
                    for cell, taken, size in zip(
                        claim.cell_ids,
                        claim.fits,
                        claim.page_sizes,
                        strict=True,
                    )
                ),
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


def _with(fleet, host):
    return dataclasses.replace(
        fleet,
        hosts=tuple(
            host if each.name == host.name else each for each in fleet.hosts
        ),
    )


def _arrived(verdict, request):
    host = _counted(verdict.host, request.asked, 1)
    return dataclasses.replace(host, host=host_after(verdict.claim))


def _left(host, server):
    left = _counted(host, server.asked, -1)
    topology = host_without(host.host, server.guest, server.seats)
    return dataclasses.replace(left, host=topology)


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
