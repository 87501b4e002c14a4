"""Whether the PCI devices that a guest asks for are near enough to cells.

The rules are those of ``nova.pci.stats.PciDeviceStats.support_requests``,
without its copy of the whole host for each question.
"""

import collections
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from numa_sched.fit.constraint import Need
from numa_sched.fit.devices import answers, matches, same_socket
from numa_sched.topology import (
    DeviceAffinity,
    DeviceKind,
    DevicePool,
    DeviceRequest,
    Guest,
    Host,
)

# For each set of cells that a claim asks about, Nova copies the topology of
# the host, some 0.2 ms for each of its cells, and nova-compute all its free
# devices as well. Other claims on the host wait for that.
MAX_COPIED_CELLS = 10_000

# Looking at so many pools takes about as long as any other step of a search.
POOLS_PER_STEP = 32


class Wish(NamedTuple):
    """One request, and the pools of a host by their numbers.

    ``asked`` are the pools that answer to the request, ``usable`` those of
    them that it may have. ``chosen`` counts the devices of each provider that
    placement has chosen, none of one that is not told; without any, all
    providers will do.
    """

    request: DeviceRequest
    asked: tuple[int, ...]
    usable: frozenset[int]
    chosen: collections.Counter[str | None]


_Answering = tuple[tuple[int, ...], frozenset[int]]
"""What is ``asked`` and ``usable`` of a :class:`Wish`."""


class Devices:
    """The PCI devices of a host, as far as a guest asks for them.

    What does not depend on the allocation candidate is worked out here, once.
    Pools have numbers, cells have indexes; the index of what is on no cell of
    the host is -1.
    """

    def __init__(self, host: Host, guest: Guest):
        """Find the devices that will do for each request."""
        cells = host.layout.cells
        index_of: dict[int | None, int] = {
            cell.id: index for index, cell in enumerate(cells)
        }
        self.pools = host.pools
        self.cells = len(cells)
        self.places = [index_of.get(pool.cell, -1) for pool in host.pools]
        self.counts = {
            number: pool.count for number, pool in enumerate(host.pools)
        }
        self.sockets: tuple[int, ...] | None = None
        if None not in [cell.socket for cell in cells]:
            self.sockets = same_socket(host.layout.form.sockets)
        self.of_provider: dict[str | None, list[int]] = {}
        for number, pool in enumerate(host.pools):
            if pool.provider is not None:
                self.of_provider.setdefault(pool.provider, []).append(number)
        self.is_split = any(
            len(numbers) > 1 for numbers in self.of_provider.values()
        )
        answering: dict[tuple[DeviceKind, ...], _Answering] = {}
        self._found = []
        for request in guest.devices:
            if request.kinds not in answering:
                answering[request.kinds] = self._answering(request)
            self._found.append((request, *answering[request.kinds]))
        asked = {
            number for numbers, _ in answering.values() for number in numbers
        }
        self.told_apart = {self.places[number] for number in asked}
        # Only if a request asks for them.
        self.asked_sockets = (
            self.sockets
            if any(
                request.affinity is DeviceAffinity.SOCKET
                for request in guest.devices
            )
            else None
        )

    def _answering(self, request: DeviceRequest) -> _Answering:
        asked = tuple(
            number
            for number, pool in enumerate(self.pools)
            if answers(request, pool.kind)
        )
        usable = frozenset(
            number
            for number in asked
            if matches(request, self.pools[number].kind)
        )
        return asked, usable

    def near(
        self, chosen: Sequence[Sequence[str]] | None = None
    ) -> 'DevicesNear':
        """Give what is asked of the cells, for one allocation candidate.

        :param chosen: for each request the providers that placement has
            chosen, one as often as it is to give devices; empty if it has not
        """
        chosen = chosen or [()] * len(self._found)
        return DevicesNear(
            self,
            [
                Wish(*found, collections.Counter(providers))
                for found, providers in zip(self._found, chosen, strict=True)
            ],
        )


class DevicesNear:
    """PCI devices that some cells of the host are near to."""

    what = 'are near enough to the PCI devices it asks for'

    def __init__(self, devices: Devices, wishes: Sequence[Wish]):
        """Take the wishes of one allocation candidate."""
        self._devices, self._wishes = devices, wishes
        groups, exact = _grouped(wishes, devices.pools)
        self.exact = exact and not devices.is_split
        self.needs: Sequence[Need] = tuple(
            need for group in groups if (need := self._need(group)) is not None
        )
        looked_at = 0 if self.exact else sum(len(w.asked) for w in wishes)
        self.steps = 1 + looked_at // POOLS_PER_STEP
        self.max_asked: int | None = MAX_COPIED_CELLS // devices.cells

    def key(self, index: int) -> Hashable:
        """Give what tells a host cell from others that bring the same."""
        if self.exact:
            return None
        sockets = self._devices.asked_sockets
        return (
            index if index in self._devices.told_apart else None,
            None if sockets is None else sockets[index],
        )

    def accepts(self, indexes: Sequence[int]) -> bool:
        """Whether Nova finds the devices near the cells."""
        if not all(need.met(indexes) for need in self.needs):
            return False
        if self.exact:
            return True
        left = self._devices.counts.copy()
        near = set(indexes)
        return all(self._take(wish, left, near) for wish in self._wishes)

    def _need(self, wishes: Sequence[Wish]) -> Need | None:
        """Give what wishes for the same devices need, None if nothing."""
        devices, first = self._devices, wishes[0]
        affinity = first.request.affinity
        free = [0] * devices.cells
        nowhere = elsewhere = 0
        for number in self._possible(first):
            pool, place = devices.pools[number], devices.places[number]
            if place >= 0:
                free[place] += pool.count
            elif pool.cell is None:
                nowhere += pool.count
            else:
                elsewhere += pool.count
        amount = sum(wish.request.count for wish in wishes)
        groups: tuple[int, ...] | None = None
        if affinity is DeviceAffinity.PREFERRED:
            amount -= sum(free) + nowhere + elsewhere
            free = [0] * len(free)
        elif affinity is DeviceAffinity.LEGACY:
            amount -= nowhere
        elif affinity is DeviceAffinity.SOCKET and devices.sockets:
            groups = devices.sockets
            by_socket = [0] * len(free)
            for count, socket in zip(free, groups, strict=True):
                by_socket[socket] += count
            free = [by_socket[socket] for socket in groups]
        if amount <= 0:
            return None
        return Need(
            amount, tuple([min(each, amount) for each in free]), groups
        )

    def _possible(self, wish: Wish) -> Iterable[int]:
        """Give the pools from which a request may get devices."""
        if not wish.chosen:
            return wish.usable
        return [
            number
            for provider, count in wish.chosen.items()
            for number in self._devices.of_provider.get(provider, ())
            if number in wish.usable
            and count <= self._devices.pools[number].count
        ]

    def _take(self, wish: Wish, left: dict[int, int], near: Set[int]) -> bool:
        """Take the devices of one request as Nova does; whether it can."""
        count = wish.request.count
        asked = [number for number in wish.asked if number in left]
        if sum([left[number] for number in asked]) < count:
            return False
        usable = [
            number
            for number in self._within_reach(wish, asked, left, near)
            if number in wish.usable
        ]
        if wish.chosen:
            return self._take_chosen(wish, usable, left)
        if not usable or sum([left[number] for number in usable]) < count:
            return False
        for number in usable:
            taken = min(count, left[number])
            count -= taken
            self._lessen(left, number, taken)
            if not count:
                break
        return True

    def _take_chosen(
        self, wish: Wish, usable: Sequence[int], left: dict[int, int]
    ) -> bool:
        """Take what placement has chosen, as far as it is near enough."""
        pools, chosen = self._devices.pools, wish.chosen
        usable = [
            number
            for number in usable
            if 0 < chosen[pools[number].provider] <= left[number]
        ]
        if (
            not usable
            or sum([left[number] for number in usable]) < wish.request.count
            or self._is_split(left)
        ):
            return False
        for number in usable:
            self._lessen(left, number, chosen[pools[number].provider])
        return True

    @staticmethod
    def _lessen(left: dict[int, int], number: int, taken: int) -> None:
        left[number] -= taken
        if not left[number]:
            del left[number]

    def _within_reach(
        self,
        wish: Wish,
        asked: Sequence[int],
        left: Mapping[int, int],
        near: Set[int],
    ) -> list[int]:
        """Give the pools that are near enough, in the order of taking."""
        count, affinity = wish.request.count, wish.request.affinity
        places, sockets = self._devices.places, self._devices.sockets
        found = [number for number in asked if places[number] in near]
        if affinity is DeviceAffinity.REQUIRED or (
            sum([left[number] for number in found]) >= count
        ):
            return found
        if affinity is DeviceAffinity.SOCKET:
            if sockets is None:
                return []
            at = {sockets[index] for index in near}
            return [
                number
                for number in asked
                if places[number] >= 0 and sockets[places[number]] in at
            ]
        pools = self._devices.pools
        found = [
            number
            for number in asked
            if places[number] in near or pools[number].cell is None
        ]
        if affinity is DeviceAffinity.LEGACY or (
            sum([left[number] for number in found]) >= count
        ):
            return found
        nearer = set(found)
        return [*found, *(each for each in asked if each not in nearer)]

    def _is_split(self, left: Mapping[int, int]) -> bool:
        """Whether a provider has several pools, which Nova does not take."""
        return self._devices.is_split and any(
            sum(number in left for number in numbers) > 1
            for numbers in self._devices.of_provider.values()
        )


def _grouped(
    wishes: Sequence[Wish], pools: Sequence[DevicePool]
) -> tuple[list[list[Wish]], bool]:
    """Give wishes that one need stands for, and whether needs tell all.

    They do where no two requests compete for devices but such as are alike,
    and where no device counts as near that the request may not have.
    """
    by_kind: dict[Hashable, list[Wish]] = {}
    wanted_by: dict[int, Hashable] = {}
    exact = True
    for place, wish in enumerate(wishes):
        affinity = wish.request.affinity
        kind: Hashable = (wish.asked, affinity)
        plain = not wish.chosen and len(wish.usable) == len(wish.asked)
        if not plain:
            kind = (place, affinity)
            nowhere = any(pools[number].cell is None for number in wish.asked)
            exact = exact and (
                affinity is DeviceAffinity.REQUIRED
                or (affinity is DeviceAffinity.LEGACY and not nowhere)
            )
        exact = exact and wish.request.count > 0
        by_kind.setdefault(kind, []).append(wish)
        for number in wish.asked:
            exact = exact and wanted_by.setdefault(number, kind) == kind
    return list(by_kind.values()), exact
