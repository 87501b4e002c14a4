"""JSON to hosts: cells, pages, devices, CPUs."""

import itertools
from collections.abc import Hashable
from typing import Any

from numa_sched.destination.cpu import HostCPU
from numa_sched.exceptions import TopologyError
from numa_sched.fleet import fields as f
from numa_sched.fleet.fields import FieldError, Told
from numa_sched.topology import (
    CellLayout,
    DeviceKind,
    DevicePool,
    Host,
    HostLayout,
)

# What of a cell stays the same while guests come and go.
_LAYOUT = ('id', 'socket', 'shared_cpus', 'dedicated_cpus', 'tunneled')


class HostReader:
    """Reads hosts. What is the same of many is read and checked once."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._cells: dict[Hashable, CellLayout] = {}
        self._layouts: dict[tuple[CellLayout, ...], HostLayout] = {}
        self._by_ids: dict[tuple[int, ...], HostLayout] = {}
        self._names: dict[Hashable, frozenset[str]] = {}

    def host(self, name: str, told: Told) -> Host:
        """Give the host that a list of cells tells of.

        :raises FieldError: if a field is wrong
        :raises TopologyError: if they make no sense together
        """
        cells = f.all_of(told, 'cells', self._cell)
        layouts, memory, used, shared, pinned, pages = (
            zip(*cells, strict=True) if cells else ((),) * 6
        )
        rows = list(itertools.chain(*pages))
        return Host(
            name,
            self._layout(layouts),
            memory,
            used,
            shared,
            pinned,
            tuple([row[0] for row in rows]),
            tuple([row[1] for row in rows]),
            tuple([row[2] for row in rows]),
            cpu_allocation_ratio=f.number(told, 'cpu_allocation_ratio', 1.0),
            ram_allocation_ratio=f.number(told, 'ram_allocation_ratio', 1.0),
            pools=f.all_of(told, 'pci_pools', self._pool),
            spares_devices=f.truth(told, 'spares_devices', True),
        )

    def cpu(self, told: Told) -> HostCPU:
        """Give the CPU of a host."""
        return HostCPU(
            f.text_or_none(told, 'arch'),
            f.text_or_none(told, 'vendor'),
            f.text_or_none(told, 'model'),
            self.names(told, 'features'),
        )

    def names(self, told: Told, key: str) -> frozenset[str]:
        """Give a set of names, the same object for equal ones."""
        try:
            return self._names[tuple(told.get(key) or ())]
        except (KeyError, TypeError):
            names = f.texts(told, key)
            return self._names.setdefault(names, frozenset(names))

    def _layout(self, cells: tuple[CellLayout, ...]) -> HostLayout:
        # Cells are shared, so that identity tells; to compare takes long.
        key = tuple(map(id, cells))
        if key not in self._by_ids:
            self._by_ids[key] = HostLayout(cells)
        return self._by_ids[key]

    def _cell(self, told: Told) -> tuple[Any, ...]:
        """Give layout, memory, its use, shared CPUs used, pinned, pages."""
        pages = f.all_of(told, 'mempages', _pages)
        return (
            self._cell_layout(told, tuple([row[0] for row in pages])),
            f.whole(told, 'memory_mb'),
            f.whole(told, 'memory_used_mb', 0),
            f.whole(told, 'shared_cpus_used', 0),
            f.cpus(told, 'pinned_cpus'),
            [row[1:] for row in pages],
        )

    def _cell_layout(self, told: Told, sizes: tuple[int, ...]) -> CellLayout:
        siblings = f.texts(told, 'siblings')
        physnets = told.get('physnets')
        if physnets is not None:
            physnets = frozenset(f.texts(told, 'physnets'))
        key = (*map(told.get, _LAYOUT), siblings, physnets, sizes)
        try:
            known = self._cells.get(key)
        except TypeError:  # of a list or an object, which is refused here
            return _new_layout(told, siblings, physnets, sizes)
        if known is None:
            known = _new_layout(told, siblings, physnets, sizes)
            self._cells[key] = known
        return known

    def _pool(self, told: Told) -> DevicePool:
        return DevicePool(
            f.whole_or_none(told, 'cell'),
            f.one_of(told, 'kind', kind_of),
            f.whole(told, 'count'),
            f.text_or_none(told, 'provider'),
        )


def _new_layout(
    told: Told,
    siblings: tuple[str, ...],
    physnets: frozenset[str] | None,
    sizes: tuple[int, ...],
) -> CellLayout:
    try:
        return CellLayout(
            id=f.whole(told, 'id'),
            socket=f.whole_or_none(told, 'socket'),
            shared=f.cpus(told, 'shared_cpus'),
            dedicated=f.cpus(told, 'dedicated_cpus'),
            siblings=tuple(
                f.mask_of(f'siblings[{index}]', core)
                for index, core in enumerate(siblings)
            ),
            page_sizes_kb=sizes,
            physnets=physnets,
            tunneled=f.truth(told, 'tunneled', False),
        )
    except TopologyError as error:
        raise FieldError('', str(error)) from None


def _pages(told: Told) -> tuple[int, int, int, int]:
    return (
        f.whole(told, 'size_kb', least=1),
        f.whole(told, 'total'),
        f.whole(told, 'reserved', 0),
        f.whole(told, 'used', 0),
    )


def kind_of(told: Told) -> DeviceKind:
    """Give a kind of devices: names and values that are text, null or lists.

    :raises FieldError: if a value is anything else
    """
    found: set[tuple[str, Hashable]] = set()
    for name, value in told.items():
        f.text({name: name}, name)
        if isinstance(value, list):
            found.add((name, frozenset(f.texts(told, name))))
        else:
            found.add((name, f.text_or_none(told, name)))
    return frozenset(found)
