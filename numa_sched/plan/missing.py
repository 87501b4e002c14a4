"""Why no plan can make room, whatever is moved where: by counting."""

import dataclasses
from collections.abc import Iterator

from numa_sched.answers import explain
from numa_sched.fit.reasons import describe_pages
from numa_sched.fleet import FleetHost
from numa_sched.plan.goal import Goal
from numa_sched.plan.words import why_nowhere
from numa_sched.topology import Guest, ThreadPolicy


def why_never(goal: Goal) -> str | None:
    """Give what is missing for a goal however servers are moved.

    None if counting does not tell; a sentence otherwise.
    """
    if not goal.kind.is_plain:
        return None
    return _no_host_is_fit(goal) or _too_little_in_all(goal)


def _no_host_is_fit(goal: Goal) -> str | None:
    """Give why hosts do not do even without all that may be moved."""
    cloud, rooms = goal.cloud, 0
    emptied = list(cloud.fleet.hosts)
    for number in goal.kind.numbers:
        movable = [each for each in cloud.on[number] if cloud.can_move(each)]
        emptied[number] = cloud.start.without(number, movable)
        rooms += goal.rooms(emptied[number])
        if rooms >= goal.count:
            return None
    if rooms:
        hosts = [emptied[number] for number in goal.kind.numbers]
        most = sum(goal.kind.at_most(hosts))
        if most >= goal.count:
            return None
        return (
            f'only {most:.0f} would have room if all servers were gone that '
            f'may be moved'
        )
    fleet = dataclasses.replace(cloud.fleet, hosts=tuple(emptied))
    told = why_nowhere(explain(fleet, goal.kind.request))
    return f'even without the servers that may be moved: {told}'


def _too_little_in_all(goal: Goal) -> str | None:
    """Give what all hosts together have too little of.

    That is what they have, not what moves would make of it: each guest takes
    as much wherever it is.
    """
    guest = goal.kind.request.guest
    if guest is None:
        return None
    for what, needed, free in _balance(goal, guest):
        if free < needed * goal.count:
            return (
                f'{needed * goal.count} {what} are wanted, and all hosts '
                f'together have {free} free'
            )
    return None


def _balance(goal: Goal, guest: Guest) -> Iterator[tuple[str, int, int]]:
    cloud = goal.cloud
    hosts = [each for each in cloud.fleet.hosts if each.host is not None]
    guests = [
        (cloud.fleet.servers[number].guest, sitting.seats)
        for number, sitting in cloud.sittings.items()
        if cloud.can_move(number)
    ]
    cells = [cell for each, _ in guests if each for cell in each.cells]
    # Whole cores of one host may be more CPUs than those of another.
    if not any(cell.thread_policy is ThreadPolicy.ISOLATE for cell in cells):
        yield (
            'dedicated CPUs',
            sum(cell.dedicated for cell in guest.cells),
            sum(map(_free_cpus, hosts)),
        )
    size = guest.cells[0].page_size
    if size and size > 0:
        other = sum(
            cell.memory_mb
            for each, seats in guests
            if each
            for cell, seat in zip(each.cells, seats, strict=False)
            if cell.page_size != size and (seat.page_size_kb or size) == size
        )
        yield (
            f'MiB in {describe_pages(size)}',
            sum(cell.memory_mb for cell in guest.cells),
            sum(_free_mb(each, size) for each in hosts) + other,
        )


def _free_cpus(host: FleetHost) -> int:
    assert host.host is not None
    return sum(cell.free.bit_count() for cell in host.host.cells)


def _free_mb(host: FleetHost, size_kb: int) -> int:
    assert host.host is not None
    return (
        sum(
            max(
                cell.pages_free_kb(cell.layout.page_sizes_kb.index(size_kb)), 0
            )
            for cell in host.host.cells
            if size_kb in cell.layout.page_sizes_kb
        )
        // 1024
    )
