"""JSON to guests: what flavors and servers ask of a host."""

import enum
from typing import TypeVar

from numa_sched.destination.cpu import GuestCPU
from numa_sched.fleet import fields as f
from numa_sched.fleet.fields import Told
from numa_sched.fleet.host_reading import kind_of
from numa_sched.topology import (
    CPUPolicy,
    DeviceAffinity,
    DeviceRequest,
    Guest,
    GuestCell,
    PageSize,
    ThreadPolicy,
)

PAGE_SIZES = {size.name.lower(): size for size in PageSize}

Choice = TypeVar('Choice', bound=enum.Enum)


def guest_or_none(told: Told) -> Guest | None:
    """Give the ``numa_topology`` of an object, None for none."""
    if told.get('numa_topology') is None:
        return None
    return f.one_of(told, 'numa_topology', guest)


def guest(told: Told) -> Guest:
    """Give what is asked of the NUMA cells of a host.

    :raises FieldError: if a field is wrong
    :raises TopologyError: if they make no sense together
    """
    return Guest(
        cells=f.all_of(told, 'cells', _guest_cell),
        isolate_emulator=f.truth(told, 'isolate_emulator', False),
        physnets=frozenset(f.texts(told, 'physnets')),
        tunneled=f.truth(told, 'tunneled', False),
        devices=f.all_of(told, 'devices', _device_request),
    )


def _guest_cell(told: Told) -> GuestCell:
    size = told.get('page_size')
    if isinstance(size, str):
        size = PAGE_SIZES.get(size)
    elif size is not None:
        size = f.whole(told, 'page_size', least=1)
    if size is None and told.get('page_size') is not None:
        raise f.wrong(
            'page_size', 'KiB or small, large or any', told['page_size']
        )
    return GuestCell(
        memory_mb=f.whole(told, 'memory_mb'),
        shared=f.whole(told, 'shared', 0),
        dedicated=f.whole(told, 'dedicated', 0),
        cpu_policy=_choice(told, 'cpu_policy', CPUPolicy) or CPUPolicy.SHARED,
        thread_policy=_choice(told, 'thread_policy', ThreadPolicy),
        page_size=size,
    )


def _choice(told: Told, key: str, kind: type[Choice]) -> Choice | None:
    value = f.text_or_none(told, key)
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        names = ', '.join(str(each.value) for each in kind)
        raise f.wrong(key, f'one of {names}', value) from None


def _device_request(told: Told) -> DeviceRequest:
    return DeviceRequest(
        count=f.whole(told, 'count', 1),
        kinds=f.all_of(told, 'kinds', kind_of),
        affinity=_choice(told, 'affinity', DeviceAffinity)
        or DeviceAffinity.LEGACY,
    )


def guest_cpu(told: Told) -> GuestCPU | None:
    """Give the CPU that a server was given, None for that of its host."""
    if told.get('cpu') is None:
        return None
    return f.one_of(
        told,
        'cpu',
        lambda cpu: GuestCPU(
            f.text_or_none(cpu, 'vendor'),
            frozenset(f.texts(cpu, 'required')),
        ),
    )
