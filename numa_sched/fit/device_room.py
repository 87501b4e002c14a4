"""For how many guests there are PCI devices, counted for many hosts at once.

Arrays have a row for each host, as in :mod:`numa_sched.fit.left`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy

from numa_sched.fit.devices import matches, same_socket
from numa_sched.fit.table import Floats, Ints
from numa_sched.topology import (
    DeviceAffinity,
    DeviceKind,
    DevicePool,
    DeviceRequest,
    Guest,
    HostForm,
)


class Reach(NamedTuple):
    """The devices that guests of one cell may get, ``wanted`` for each.

    ``near`` has a column for each group of cells, and is for guests on a cell
    of that group; ``groups`` tells the column of each cell. ``anywhere`` is
    for all.
    """

    wanted: int
    near: Floats
    groups: Ints
    anywhere: Floats


class FreeDevices:
    """The free PCI devices of hosts of one form."""

    def __init__(self, form: HostForm, hosts: Sequence[Sequence[DevicePool]]):
        """Take the pools of each host."""
        self._form, self._count = form, len(hosts)
        columns: dict[int | None, int] = {
            cell: at for at, cell in enumerate(form.ids)
        }
        # Behind the cells: of no known cell, and of one that is not there.
        columns[None] = len(columns)
        kinds: dict[DeviceKind, int] = {}
        found = [
            (
                row,
                columns.get(pool.cell, len(columns)),
                kinds.setdefault(pool.kind, len(kinds)),
                pool.count,
            )
            for row, pools in enumerate(hosts)
            for pool in pools
            if pool.count > 0
        ]
        self._kinds, self._width = tuple(kinds), len(columns) + 1
        if found:
            rows, at, kind_of, counts = map(
                numpy.array, zip(*found, strict=True)
            )
            self._kind_of: Ints = kind_of
            self._places: Ints = rows * self._width + at
            self._counts: Floats = counts.astype(float)
        self._reaches: dict[DeviceRequest, Reach] = {}

    def limit(self, rooms: Floats, guest: Guest) -> Floats:
        """Give the rooms for guests of one cell that have devices in reach.

        :param rooms: for each host cell how many guest cells have room
        """
        for request in _merged(guest):
            reach = self._reach(request)
            reachable = reach.near[:, reach.groups] + reach.anywhere[:, None]
            rooms = numpy.minimum(rooms, reachable // reach.wanted)
        return rooms

    def guests(self, rooms: Floats, guest: Guest) -> Floats:
        """Give how many guests can get their devices.

        It is exact for one request and guests of one cell or of all cells of
        the host. Otherwise there may be fewer: devices that several requests
        compete for count for each of them, and guests of several cells count
        as if each could be where it has the most use of the devices.

        :param rooms: for each host cell how many guest cells have room
        """
        found = numpy.full(self._count, numpy.inf)
        for request in _merged(guest):
            count, near, groups, anywhere = self._reach(request)
            grouped = numpy.zeros_like(near)
            for column, group in enumerate(groups):
                grouped[:, group] += rooms[:, column]
            if len(guest.cells) == 1:
                served = _served(grouped, count, near, anywhere)
            else:
                # Each cell of a guest may add as many as the guest wants.
                used = numpy.minimum(near, grouped * count).sum(axis=1)
                served = (used + anywhere) // count
            found = numpy.minimum(found, served)
        return found

    def _reach(self, request: DeviceRequest) -> Reach:
        if request not in self._reaches:
            self._reaches[request] = self._new_reach(request)
        return self._reaches[request]

    def _new_reach(self, request: DeviceRequest) -> Reach:
        free, cells = self._free(request), len(self._form.ids)
        near, nowhere = free[:, :cells], free[:, cells]
        groups = numpy.arange(cells)
        affinity = request.affinity
        if affinity is DeviceAffinity.PREFERRED:
            near, nowhere = numpy.zeros_like(near), free.sum(axis=1)
        elif affinity is not DeviceAffinity.LEGACY:
            nowhere = numpy.zeros_like(nowhere)
        if affinity is DeviceAffinity.SOCKET:
            groups = numpy.array(same_socket(self._form.sockets))
            near = numpy.stack(
                [near[:, groups == at].sum(axis=1) for at in range(cells)],
                axis=1,
            )
        return Reach(request.count, near, groups, nowhere)

    def _free(self, request: DeviceRequest) -> Floats:
        """Give how many devices will do, for each cell and the rest."""
        size = self._count * self._width
        if not self._kinds:
            return numpy.zeros((self._count, self._width))
        will_do = numpy.array([matches(request, kind) for kind in self._kinds])
        counts = numpy.where(will_do[self._kind_of], self._counts, 0)
        found = numpy.bincount(self._places, weights=counts, minlength=size)
        # Numbers with weights are floats, which NumPy's types do not tell.
        return found.astype(float, copy=False).reshape(
            self._count, self._width
        )


def _merged(guest: Guest) -> list[DeviceRequest]:
    """Give the requests of a guest, those for the same devices as one."""
    counts: dict[tuple[tuple[DeviceKind, ...], DeviceAffinity], int] = {}
    for request in guest.devices:
        if request.count:
            key = request.kinds, request.affinity
            counts[key] = counts.get(key, 0) + request.count
    return [
        DeviceRequest(count, kinds, affinity)
        for (kinds, affinity), count in counts.items()
    ]


def _served(
    rooms: Floats, count: int, near: Floats, anywhere: Floats
) -> Floats:
    """Give how many guests of one cell get their devices, at most.

    First those that need none but near ones. Then, of each group, one that
    makes use of what is left there; the others need all from anywhere.
    """
    alone = numpy.minimum(rooms, near // count)
    more = rooms - alone
    missing = numpy.sort(
        numpy.where(more > 0, count - near % count, numpy.inf), axis=1
    )
    needed = numpy.cumsum(missing, axis=1)
    enough = needed <= anywhere[:, None]
    helped = enough.sum(axis=1)
    left = anywhere - numpy.where(enough, missing, 0).sum(axis=1)
    rest = numpy.minimum(more.sum(axis=1) - helped, left // count)
    served: Floats = alone.sum(axis=1) + helped + rest
    return served
