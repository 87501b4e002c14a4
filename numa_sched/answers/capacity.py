"""How many more guests there is room for, and what is of no use."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from numa_sched.answers.explain import Explanation, Verdict, explain
from numa_sched.answers.refusals import Rule
from numa_sched.answers.request import Request, of_flavor
from numa_sched.exceptions import RequestError
from numa_sched.fit.capacity import UNLIMITED, rooms_on
from numa_sched.fit.reasons import describe_pages
from numa_sched.fleet import Flavor, Fleet, FleetHost
from numa_sched.topology import Guest


@dataclasses.dataclass(frozen=True, slots=True)
class Room:
    """How many servers of a flavor have room on a host, one by one.

    None if that is not known: of a flavor without NUMA topology, where
    nobody has told what placement knows. ``limit`` is what ends it.
    """

    host: FleetHost
    flavor: Flavor
    guests: int | None
    limit: str


@dataclasses.dataclass(frozen=True, slots=True)
class Stranded:
    """What of a host is free, and what of that no flavor can use.

    In dedicated CPUs: what is left of those that are free once the host is
    filled with the one flavor that uses most of them. ``why`` is what ends
    the room for the smallest flavor, '' where nothing is stranded.
    """

    host: FleetHost
    free: int
    stranded: int
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Capacities:
    """The room on all hosts: flavor by flavor, in the order of the hosts.

    ``unusable`` are flavors that Nova makes nothing of, with the reason.
    """

    rooms: Mapping[str, tuple[Room, ...]]
    stranded: tuple[Stranded, ...]
    unusable: Mapping[str, str]


def capacities(fleet: Fleet, flavors: Sequence[Flavor]) -> Capacities:
    """Give how many more guests of flavors there is room for.

    Each flavor is counted for itself, as if only such servers came. Guests
    whose cells differ, networks and emulator threads are counted as
    :class:`numa_sched.fit.capacity.Capacity` tells.
    """
    rooms = {}
    unusable = {}
    explanations = {}
    for flavor in flavors:
        try:
            request = of_flavor(flavor)
        except RequestError:
            unusable[flavor.name] = flavor.error or ''
            continue
        found = explain(fleet, request, reasons=False)
        explanations[flavor.name] = found
        rooms[flavor.name] = _rooms(request, found)
    return Capacities(
        rooms, _stranded(fleet, flavors, rooms, explanations), unusable
    )


def _rooms(request: Request, found: Explanation) -> tuple[Room, ...]:
    guest = request.guest
    numa = [UNLIMITED] * len(found.verdicts)
    if guest is not None:
        fitting = [
            number
            for number, each in enumerate(found.verdicts)
            if each.passes and each.claim is not None
        ]
        counted = rooms_on(
            [
                each.claim.host
                for each in found.verdicts
                if each.passes and each.claim is not None
            ],
            guest,
        )
        for number, count in zip(fitting, counted, strict=True):
            # It fits, whatever the count says.
            numa[number] = max(count, 1.0)
    return tuple(
        _room(request, verdict, most)
        for verdict, most in zip(found.verdicts, numa, strict=True)
    )


def _room(request: Request, verdict: Verdict, most: float) -> Room:
    host, flavor = verdict.host, request.flavor
    if not verdict.passes:
        return Room(host, flavor, 0, verdict.refusals[0].summary)
    limits: list[tuple[float, str]] = []
    if most < UNLIMITED:
        limits.append((most, 'NUMA cells'))
    for name, amount in request.asked.resources.items():
        has = (host.inventories or {}).get(name)
        if has is not None and amount > 0:
            limits.append((has.free // amount, f'{name} in placement'))
    if not limits:
        return Room(host, flavor, None, 'not known')
    count, limit = min(limits, key=lambda each: each[0])
    return Room(host, flavor, int(count), limit)


def _stranded(
    fleet: Fleet,
    flavors: Sequence[Flavor],
    rooms: Mapping[str, tuple[Room, ...]],
    explanations: Mapping[str, Explanation],
) -> tuple[Stranded, ...]:
    needs = {
        flavor.name: (_dedicated(flavor.guest), flavor.guest)
        for flavor in flavors
        if flavor.guest is not None and flavor.name in rooms
    }
    wanting = sorted(
        (name for name, (need, _) in needs.items() if need),
        key=lambda name: needs[name][0],
    )
    free = list(map(_free, fleet.hosts))
    used = [
        max(
            (
                (rooms[name][number].guests or 0) * needs[name][0]
                for name in wanting
            ),
            default=0,
        )
        for number in range(len(free))
    ]
    whys = [''] * len(free)
    if wanting:
        short = [
            number
            for number, (most, some) in enumerate(zip(free, used, strict=True))
            if most > some
        ]
        found = explanations[wanting[0]]
        for number, why in zip(
            short,
            _whys(fleet, found, needs[wanting[0]][1], short),
            strict=True,
        ):
            whys[number] = f'{wanting[0]}: {why}'
    return tuple(
        Stranded(host, most, max(most - some, 0), why)
        for host, most, some, why in zip(
            fleet.hosts, free, used, whys, strict=True
        )
    )


def _dedicated(guest: Guest) -> int:
    return guest.isolate_emulator + sum(cell.dedicated for cell in guest.cells)


def _whys(
    fleet: Fleet, found: Explanation, guest: Guest, numbers: Sequence[int]
) -> Iterator[str]:
    """Give what ends the room for a guest on hosts, by their numbers."""
    usable = [
        found.verdicts[number].host.host
        for number in numbers
        if found.verdicts[number].passes
    ]
    counts = iter(
        zip(
            rooms_on([each for each in usable if each], guest),
            rooms_on([each for each in usable if each], _weightless(guest)),
            strict=True,
        )
    )
    for number in numbers:
        verdict = found.verdicts[number]
        if verdict.passes:
            count, without_memory = next(counts)
            yield (
                f'{_memory_of(guest)} end first'
                if without_memory > count
                else 'too few CPUs are left together'
            )
            continue
        first = verdict.refusals[0]
        if first.rule is Rule.NUMA:  # whose reason was not looked for
            (again,) = explain(fleet, found.request, [verdict.host]).verdicts
            first = again.refusals[0]
        yield first.summary


def _weightless(guest: Guest) -> Guest:
    """Give the same guest without memory."""
    return dataclasses.replace(
        guest,
        cells=tuple(
            dataclasses.replace(cell, memory_mb=0, page_size=None)
            for cell in guest.cells
        ),
    )


def _memory_of(guest: Guest) -> str:
    return describe_pages(guest.cells[0].page_size)


def _free(host: FleetHost) -> int:
    if host.host is None:
        return 0
    return sum(
        (cell.dedicated & ~pinned).bit_count()
        for cell, pinned in zip(
            host.host.layout.cells, host.host.pinned, strict=True
        )
    )
