"""Pictures of hosts, made of what is known of a fleet."""

import functools
from collections.abc import Iterable, Iterator, Sequence

from numa_sched import cpumask
from numa_sched.draw import marks
from numa_sched.draw.cell import (
    CPUState,
    DrawnCell,
    DrawnServer,
    memory_bar,
    pages_bar,
)
from numa_sched.draw.picture import Picture
from numa_sched.draw.words import page_size, plain
from numa_sched.fleet import Fleet, FleetHost, Server
from numa_sched.topology import (
    CellLayout,
    DeviceKind,
    DevicePool,
    Host,
    HostCell,
)

NO_TOPOLOGY = 'no NUMA topology told'


def pictures(fleet: Fleet, hosts: Iterable[FleetHost]) -> list[Picture]:
    """Give the pictures of some hosts of a fleet, in the same order."""
    on = fleet.by_host
    return [
        picture(host, on.get((host.name, host.nodename), ())) for host in hosts
    ]


def picture(told: FleetHost, servers: Iterable[Server] = ()) -> Picture:
    """Give the picture of a host and of the servers that are on it.

    It does not depend on the order of the servers.
    """
    host = told.host
    drawn = _drawn(servers)
    name = plain(told.name)
    if told.nodename not in ('', told.name):
        name = f'{name} ({plain(told.nodename)})'
    if host is None:
        problem = NO_TOPOLOGY if told.error is None else plain(told.error)
        return Picture(
            name, _facts(told), servers=drawn, problem=problem or NO_TOPOLOGY
        )
    cells = sorted(host.cells, key=lambda cell: cell.id)
    mine = 0
    for layout in host.layout.cells:
        mine |= layout.shared | layout.dedicated
    ids = {cell.id for cell in cells}
    return Picture(
        name,
        _facts(told),
        tuple(_cell(host, cell, drawn) for cell in cells),
        drawn,
        outside=((1 << mine.bit_length()) - 1) & ~mine,
        elsewhere=_devices(
            pool for pool in host.pools if pool.cell not in ids
        ),
        notes=tuple(_notes(cells, drawn, mine)),
    )


def _facts(told: FleetHost) -> tuple[str, ...]:
    facts = []
    if told.zone is not None:
        facts.append(f'zone {plain(told.zone)}')
    if told.up is not None:
        facts.append('up' if told.up else 'down')
    if told.disabled is not None:
        reason = plain(told.disabled)
        facts.append(f'disabled: {reason}' if reason else 'disabled')
    return tuple(facts)


def _drawn(servers: Iterable[Server]) -> tuple[DrawnServer, ...]:
    """Give servers as they are shown, those with CPUs of their own first."""
    ordered = sorted(servers, key=lambda server: (server.name, server.uuid))
    masks = [_pinned(server) for server in ordered]
    own = [
        {seat.cell for seat in server.seats if seat.pinned}
        for server in ordered
    ]
    looks = zip(
        marks.marks(sum(map(bool, own))),
        marks.colours(filter(None, own)),
        strict=True,
    )
    found = [
        _server(server, mask, *(next(looks) if mask else ('', None)))
        for server, mask in zip(ordered, masks, strict=True)
    ]
    return tuple(sorted(found, key=lambda server: not server.mark))


def _pinned(server: Server) -> int:
    mask = 0
    for seat in server.seats:
        mask |= seat.pinned
    return mask


def _server(
    server: Server, pinned: int, mark: str, colour: int | None
) -> DrawnServer:
    guest = server.guest
    sizes = {seat.page_size_kb for seat in server.seats if seat.page_size_kb}
    if guest is None:
        # All of it floats, and no cell is told.
        shared, memory_mb = server.flavor.vcpus, server.flavor.memory_mb
    else:
        shared = sum(cell.shared for cell in guest.cells)
        memory_mb = sum(cell.memory_mb for cell in guest.cells)
    return DrawnServer(
        mark,
        colour,
        plain(server.name),
        plain(server.uuid),
        plain(server.flavor.name),
        pinned,
        tuple(sorted({seat.cell for seat in server.seats})),
        shared,
        memory_mb,
        ', '.join(map(page_size, sorted(sizes))),
    )


def _cell(
    host: Host, cell: HostCell, servers: Sequence[DrawnServer]
) -> DrawnCell:
    layout = cell.layout
    pages = sorted(
        zip(
            layout.page_sizes_kb,
            cell.pages_total,
            cell.pages_used,
            cell.pages_reserved,
            strict=True,
        )
    )
    cpus = layout.dedicated | layout.shared
    here = tuple(server for server in servers if server.pinned & cpus)
    held = 0
    for server in here:
        held |= server.pinned
    shared = layout.shared.bit_count()
    return DrawnCell(
        cell.id,
        layout.socket,
        _cores(layout),
        _states(cell, held),
        here,
        (
            memory_bar(cell.memory_mb, cell.memory_used_mb),
            *(pages_bar(*each) for each in pages if any(each[1:])),
        ),
        dedicated=layout.dedicated_count,
        free=(layout.dedicated & ~cell.pinned & ~held).bit_count(),
        shared=shared,
        shared_used=cell.shared_used,
        shared_limit=shared * host.cpu_allocation_ratio,
        no_pages=tuple(
            page_size(size) for size, *counts in pages if not any(counts)
        ),
        devices=_devices(pool for pool in host.pools if pool.cell == cell.id),
        networks=_networks(layout),
        memory_used_mb=cell.memory_used_mb,
    )


def _networks(layout: CellLayout) -> tuple[str, ...] | None:
    if layout.physnets is None:
        return ('tunneled',) if layout.tunneled else None
    named = map(plain, sorted(layout.physnets))
    return (*named, 'tunneled') if layout.tunneled else tuple(named)


def _cores(layout: CellLayout) -> tuple[int, ...]:
    """Give the masks of cores, by the lowest CPU.

    A CPU of which no core is told is drawn as a core of its own.
    """
    cores = [core for core in layout.siblings if core]
    told = 0
    for core in cores:
        told |= core
    alone = (layout.dedicated | layout.shared) & ~told
    cores.extend(1 << cpu for cpu in cpumask.ids(alone))
    return tuple(sorted(cores, key=lambda core: core & -core))


def _states(cell: HostCell, held: int) -> tuple[tuple[CPUState, int], ...]:
    """Give the masks of the CPUs in each state; each CPU is in one."""
    layout = cell.layout
    cpus = layout.dedicated | layout.shared
    pinned = (cell.pinned | held) & cpus
    left = cpus & ~pinned
    states = {
        CPUState.PINNED: pinned,
        CPUState.FREE: left & ~layout.shared,
        CPUState.EITHER: left & layout.shared & layout.dedicated,
        CPUState.SHARED: left & ~layout.dedicated,
    }
    return tuple((state, mask) for state, mask in states.items() if mask)


def _devices(pools: Iterable[DevicePool]) -> tuple[str, ...]:
    """Give free devices in words, a line for each kind."""
    counts: dict[str, int] = {}
    for pool in pools:
        what = _kind(pool.kind)
        counts[what] = counts.get(what, 0) + pool.count
    return tuple(
        f'{count} free: {what}' for what, count in sorted(counts.items())
    )


@functools.lru_cache
def _kind(told: DeviceKind) -> str:
    """Give a kind of devices in words: ``8086:154d type-VF, physnet1``."""
    kind = {name: str(value) for name, value in told if value is not None}
    numbers = ':'.join(
        filter(None, (kind.pop('vendor_id', ''), kind.pop('product_id', '')))
    )
    first = ' '.join(filter(None, (numbers, kind.pop('dev_type', ''))))
    network = kind.pop('physical_network', '')
    rest = [
        f'{name}={value}'
        for name, value in sorted(kind.items())
        # What it can do is told at length, and of no use in a picture.
        if name not in ('capabilities', 'parent_ifname', 'address')
    ]
    said = ', '.join(filter(None, (first, network, *rest)))
    return plain(said) or 'devices'


def _notes(
    cells: Sequence[HostCell], servers: Sequence[DrawnServer], mine: int
) -> Iterator[str]:
    """Give what host and servers tell differently, in words."""
    pinned, owned, twice, dedicated = 0, 0, 0, 0
    ids = {cell.id for cell in cells}
    for cell in cells:
        pinned |= cell.pinned
        dedicated |= cell.layout.dedicated
    for server in servers:
        twice |= owned & server.pinned
        owned |= server.pinned
        foreign = server.pinned & ~mine
        if foreign:
            yield (
                f'{server.name} holds CPUs {cpumask.to_list(foreign)}, which '
                f'are in no cell'
            )
        unknown = set(server.cells) - ids
        if unknown:
            yield (
                f'{server.name} is on cells that the host does not have: '
                f'{", ".join(map(str, sorted(unknown)))}'
            )
    if twice & mine:
        yield f'several servers hold CPUs {cpumask.to_list(twice & mine)}'
    if pinned & ~owned:
        yield (
            f'no server is known that holds CPUs '
            f'{cpumask.to_list(pinned & ~owned)}'
        )
    early = owned & dedicated & ~pinned
    if early:
        yield (
            f'the host does not report CPUs {cpumask.to_list(early)} as '
            f'pinned, but they are held'
        )
    odd = owned & mine & ~dedicated
    if odd:
        yield f'servers hold CPUs {cpumask.to_list(odd)}, which are shared'
