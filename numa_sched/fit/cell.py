"""One guest cell on one host cell.

The rules are those of ``nova.virt.hardware._numa_fit_instance_cell`` and
``_pack_instance_onto_cores`` of Nova 34.0.0, on values and without side
effects. Which threads of a core Nova pins depends on the order of a Python
set; here it is the lowest ones. How many it pins on which core is the same.
"""

import dataclasses

from numa_sched import cpumask
from numa_sched.fit.reasons import CellMisfit, Shortage
from numa_sched.topology import (
    CPUPolicy,
    GuestCell,
    HostCell,
    PageSize,
    ThreadPolicy,
)


@dataclasses.dataclass(frozen=True, slots=True)
class CellFit:
    """What a guest cell would take of a host cell.

    ``pinned`` are the CPUs of the guest, ``reserved`` the one beside them for
    emulator threads. ``page_size`` is in KiB, None if the guest does not care.
    """

    pinned: int = 0
    reserved: int = 0
    page_size: int | None = None


def check_cell(
    host: HostCell,
    guest: GuestCell,
    *,
    reserved: int = 0,
    cpu_ratio: float | None = None,
    ram_ratio: float | None = None,
) -> int | CellMisfit | None:
    """Give the page size that a guest cell would get, or why it does not fit.

    :param reserved: CPUs wanted beside those of the guest, 0 or 1
    :param cpu_ratio: the host's allocation ratio; None for no limit
    :param ram_ratio: the host's allocation ratio; None for no limit
    :returns: the size in KiB, None if the guest does not care, or the misfit
    """
    page_size = None
    if guest.page_size:
        chosen = choose_page_size(host, guest.memory_mb, guest.page_size)
        if isinstance(chosen, CellMisfit):
            return chosen
        page_size = chosen
    elif misfit := _check_memory(host, guest):
        return misfit
    if misfit := _check_cpus(host, guest, reserved):
        return misfit
    if guest.pinned and not counting_decides(host.layout.cores_known, guest):
        pinning = pin(
            host, guest.dedicated, guest.thread_policy, reserved=reserved
        )
        if isinstance(pinning, CellMisfit):
            return pinning
    if guest.cpu_policy is not CPUPolicy.DEDICATED:
        misfit = _check_ratios(host, guest, cpu_ratio, ram_ratio)
        if misfit:
            return misfit
    return page_size


def counting_decides(cores_known: bool, guest: GuestCell) -> bool:
    """Whether a guest cell can be pinned wherever enough CPUs are free.

    It can if it does not mind which threads it gets, and all are known.

    :param cores_known: as a layout of a host cell tells
    """
    return (
        cores_known
        and guest.dedicated > 0
        and guest.thread_policy in (None, ThreadPolicy.PREFER)
    )


def fit_cell(
    host: HostCell,
    guest: GuestCell,
    *,
    reserved: int = 0,
    cpu_ratio: float | None = None,
    ram_ratio: float | None = None,
) -> CellFit | CellMisfit:
    """Give what a guest cell would take of a host cell, or why it cannot.

    The arguments are those of :func:`check_cell`.
    """
    page_size = check_cell(
        host,
        guest,
        reserved=reserved,
        cpu_ratio=cpu_ratio,
        ram_ratio=ram_ratio,
    )
    if isinstance(page_size, CellMisfit):
        return page_size
    return take_cell(host, guest, page_size, reserved=reserved)


def take_cell(
    host: HostCell,
    guest: GuestCell,
    page_size: int | None,
    *,
    reserved: int = 0,
) -> CellFit:
    """Give what a guest cell takes of a host cell, once that is known to fit.

    :param page_size: what :func:`check_cell` gives for the two
    :raises ValueError: if the CPUs do not fit
    """
    if not guest.pinned:
        return CellFit(page_size=page_size)
    taken = pin(host, guest.dedicated, guest.thread_policy, reserved=reserved)
    if isinstance(taken, CellMisfit):
        raise ValueError(f'a guest cell on cell {host.id}, where it {taken}')
    pinned, beside = taken
    return CellFit(pinned, beside, page_size)


def choose_page_size(
    host: HostCell, memory_mb: int, wanted: int
) -> int | CellMisfit:
    """Give the page size in KiB that a guest cell would get.

    :param wanted: a :class:`PageSize` or a size in KiB
    """
    order = page_order(host.layout.page_sizes_kb, wanted)
    if not order:
        return CellMisfit(Shortage.PAGE_SIZE, memory_mb, page_size=wanted)
    memory_kb = memory_mb * 1024
    free_kb = {size: host.pages_free_kb(index) for index, size in order}
    for size, room in free_kb.items():
        if memory_kb <= room and memory_kb % size == 0:
            return size
    best = max(free_kb, key=free_kb.__getitem__)
    if memory_kb % best and memory_kb <= free_kb[best]:
        return CellMisfit(Shortage.PAGE_MULTIPLE, memory_mb, page_size=best)
    return CellMisfit(
        Shortage.PAGES,
        memory_mb,
        max(0, free_kb[best] // 1024),
        wanted if len(order) > 1 else best,
    )


def page_order(
    sizes_kb: tuple[int, ...], wanted: int
) -> tuple[tuple[int, int], ...]:
    """Give index and size of the pages to try, in order.

    :param sizes_kb: the page sizes of a host cell
    :param wanted: a :class:`PageSize` or a size in KiB
    """
    tried = sorted(sizes_kb, reverse=True)
    if wanted == PageSize.SMALL:
        tried = tried[-1:]
    elif wanted == PageSize.LARGE:
        tried = tried[:-1]
    elif wanted != PageSize.ANY:
        tried = [wanted] if wanted in sizes_kb else []
    return tuple((sizes_kb.index(size), size) for size in tried)


def _check_memory(host: HostCell, guest: GuestCell) -> CellMisfit | None:
    """Check the memory of a guest that does not ask for a page size.

    Pinned guests may not overcommit; others may, but not against themselves.
    """
    if host.layout.smallest_pages is None:
        room = host.memory_free_mb if guest.pinned else host.memory_mb
        if room >= guest.memory_mb:
            return None
        return CellMisfit(
            Shortage.MEMORY if guest.pinned else Shortage.MEMORY_TOTAL,
            guest.memory_mb,
            max(0, room),
        )
    index = host.layout.smallest_pages
    size_kb = host.layout.page_sizes_kb[index]
    memory_kb = guest.memory_mb * 1024
    room = (
        host.pages_free_kb(index)
        if guest.pinned
        else host.pages_total[index] * size_kb
    )
    if memory_kb <= room:
        if memory_kb % size_kb == 0:
            return None
        return CellMisfit(
            Shortage.PAGE_MULTIPLE, guest.memory_mb, page_size=size_kb
        )
    return CellMisfit(
        Shortage.PAGES if guest.pinned else Shortage.MEMORY_TOTAL,
        guest.memory_mb,
        max(0, room // 1024),
        size_kb,
    )


def _check_cpus(
    host: HostCell, guest: GuestCell, reserved: int
) -> CellMisfit | None:
    needed = guest.dedicated + reserved
    if guest.pinned and needed > host.layout.dedicated.bit_count():
        return CellMisfit(
            Shortage.DEDICATED_TOTAL, needed, host.layout.dedicated.bit_count()
        )
    if (
        guest.cpu_policy is not CPUPolicy.DEDICATED
        and guest.shared > host.layout.shared.bit_count()
    ):
        return CellMisfit(
            Shortage.SHARED_TOTAL, guest.shared, host.layout.shared.bit_count()
        )
    if guest.pinned and needed > host.free.bit_count():
        return CellMisfit(Shortage.DEDICATED, needed, host.free.bit_count())
    return None


def _check_ratios(
    host: HostCell,
    guest: GuestCell,
    cpu_ratio: float | None,
    ram_ratio: float | None,
) -> CellMisfit | None:
    if cpu_ratio is not None:
        limit = host.layout.shared.bit_count() * cpu_ratio
        if host.shared_used + guest.shared > limit:
            return CellMisfit(
                Shortage.SHARED_RATIO,
                guest.shared,
                max(0, int(limit) - host.shared_used),
            )
    if ram_ratio is not None:
        limit = host.memory_mb * ram_ratio
        if host.memory_used_mb + guest.memory_mb > limit:
            return CellMisfit(
                Shortage.MEMORY_RATIO,
                guest.memory_mb,
                max(0, int(limit) - host.memory_used_mb),
            )
    return None


def pin(
    host: HostCell,
    count: int,
    policy: ThreadPolicy | None,
    *,
    reserved: int = 0,
) -> tuple[int, int] | CellMisfit:
    """Give the CPUs to pin and to reserve, as two masks, or why not.

    :param count: dedicated CPUs of the guest cell
    :param reserved: CPUs wanted beside them, 0 or 1
    """
    if not host.layout.siblings:
        return CellMisfit(Shortage.UNKNOWN_CORES, count + reserved)
    free = host.free
    cores = [core & free for core in host.layout.siblings]
    if policy is ThreadPolicy.ISOLATE:
        return _pin_isolated(host, cores, count, reserved)
    if policy is ThreadPolicy.REQUIRE and host.layout.threads_per_core == 1:
        return CellMisfit(Shortage.NO_SIBLINGS, count)
    widest = max(core.bit_count() for core in cores)
    narrowest = 2 if policy is ThreadPolicy.REQUIRE else 1
    pinned = None
    for threads in range(widest, narrowest - 1, -1):
        usable = [core for core in cores if core.bit_count() >= threads]
        if threads * len(usable) < count:
            pinned = None
            continue
        pinned = _take(usable, count, threads)
        beside = _take_beside(cores, pinned, reserved)
        if not reserved or beside:
            return pinned, beside
    # Nova's last resort, but for "require": any free threads will do.
    if (
        not pinned
        and policy is not ThreadPolicy.REQUIRE
        and sum(core.bit_count() for core in cores) >= count
    ):
        pinned = _take(cores, count)
        beside = _take_beside(cores, pinned, reserved)
        if not reserved or beside:
            return pinned, beside
    if policy is ThreadPolicy.REQUIRE:
        return CellMisfit(
            Shortage.SIBLINGS,
            count + reserved,
            sum(core.bit_count() for core in cores if core.bit_count() > 1),
        )
    return CellMisfit(
        Shortage.DEDICATED, count + reserved, host.free.bit_count()
    )


def _pin_isolated(
    host: HostCell, cores: list[int], count: int, reserved: int
) -> tuple[int, int] | CellMisfit:
    """Pin one thread of each core and leave its siblings idle.

    Nova does so only where cores have one thread, or on hosts in the old
    ``vcpu_pin_set`` style (bug 1889633).
    """
    threads = host.layout.threads_per_core
    whole = [core for core in cores if core.bit_count() >= threads]
    if threads != 1 and host.layout.dedicated != host.layout.shared:
        return CellMisfit(Shortage.NO_CORES, count)
    if len(whole) < count or not whole or not count:
        return CellMisfit(Shortage.CORES, count + reserved, len(whole))
    pinned = _take(whole, count, 1)
    idle = [core for core in cores if not core & pinned]
    beside = _take(idle, reserved)
    if reserved and not beside:
        return CellMisfit(Shortage.CORES, count + reserved, len(whole))
    return pinned, beside


def _take(cores: list[int], count: int, threads: int | None = None) -> int:
    """Give ``count`` CPUs in order of cores, at most ``threads`` of each."""
    taken = 0
    for core in cores:
        if not count:
            break
        part = cpumask.first(
            core, count if threads is None else min(threads, count)
        )
        count -= part.bit_count()
        taken |= part
    return taken


def _take_beside(cores: list[int], pinned: int, reserved: int) -> int:
    """Give CPUs to reserve; none where nothing is pinned (as Nova)."""
    if not pinned:
        return 0
    return _take([core & ~pinned for core in cores], reserved)
