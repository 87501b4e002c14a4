"""Small fleets by chance, in Nova's own objects and as values.

Every server is where Nova's own claim has put it.
"""

import dataclasses

from hypothesis import strategies as st
from nova.virt import hardware

from numa_sched import cpumask
from numa_sched.fit.usage import host_after, host_without
from numa_sched.fleet import Asked, Fleet, FleetHost, Inventory, Seat, Server
from numa_sched.fleet import ServerGroup as Group
from numa_sched.plan.kinds import Claims
from numa_sched.topology import DeviceRequest
from tests.builders import kind, make_pools
from tests.fleets import QEMU, make_flavor
from tests.property import nova_objects, strategies
from tests.restore import host_topology

NIC = kind(product_id='1', live_migratable='true')
MEMORY = (512, 1024, 2048)


class InNova:
    """Hosts and servers as Nova counts them."""

    def __init__(self):
        self.hosts, self.servers = {}, {}

    def claim(self, host, guest, pools=()):
        """Give what Nova's claim makes of a guest on a host, None if it fails.

        :param host: as a value, for its name and its ratios
        :param pools: the devices that are free there
        """
        free = [(pool.cell, '1', pool.count) for pool in pools if pool.count]
        requests = nova_objects.device_requests(
            ('1', each.count, each.affinity.value) for each in guest.devices
        )
        wanted = nova_objects.instance_topology(guest)
        try:
            return hardware.numa_fit_instance_to_host(
                self.hosts[host.name],
                wanted,
                provider_mapping={},
                limits=nova_objects.limits(host, guest),
                pci_requests=requests,
                pci_stats=nova_objects.devices(host, free),
            )
        except ValueError:  # of a host cell that tells no cores
            return None

    def come(self, server, host, topology):
        """Count a server on a host."""
        self.servers[server, host] = topology
        self.hosts[host] = hardware.numa_usage_from_instance_numa(
            self.hosts[host], topology
        )

    def leave(self, server, host):
        """Count a server on a host no more."""
        self.hosts[host] = hardware.numa_usage_from_instance_numa(
            self.hosts[host], self.servers.pop((server, host)), free=True
        )


def has_pages(host):
    """Whether all cells tell their pages, without which Nova cannot count."""
    return all(cell.layout.page_sizes_kb for cell in host.cells)


def seats(topology):
    """Give what a claimed topology holds of its host."""
    return tuple(
        Seat(
            cell.id,
            cpumask.from_ids(
                {*(cell.cpu_pinning or {}).values()}
                | (cell.cpuset_reserved or set())
            ),
            cell.pagesize or None,
        )
        for cell in topology.cells
    )


@st.composite
def guests(draw, plain=False):
    """Give a guest; a plain one has cells that are alike, and no more."""
    guest = draw(strategies.guests(max_cells=2, alike=plain or None))
    guest = dataclasses.replace(guest, physnets=frozenset(), tunneled=False)
    if plain:
        return dataclasses.replace(guest, isolate_emulator=False)
    if draw(st.integers(0, 3)) == 0:
        affinity = draw(strategies.device_affinities)
        devices = (DeviceRequest(1, (NIC,), affinity),)
        return dataclasses.replace(guest, devices=devices)
    return guest


@st.composite
def fleets(draw, plain=False, most=5):
    """Give a fleet, and the same in Nova's objects.

    :param plain: whether all guests are plain
    """
    nova, hosts, servers = InNova(), {}, []
    for name in ('a', 'b', 'c')[: draw(st.integers(2, 3))]:
        host = dataclasses.replace(
            draw(strategies.hosts(max_cells=2).filter(has_pages)), name=name
        )
        cells = [cell.id for cell in host.cells]
        host = dataclasses.replace(
            host,
            pinned=(0,) * len(cells),
            shared_used=(0,) * len(cells),
            pools=()
            if plain
            else tuple(
                pool._replace(kind=NIC)
                for pool in make_pools(
                    draw(st.sampled_from(((), ((cells[0], 2),))))
                )
            ),
        )
        hosts[name] = host
        nova.hosts[name] = host_topology(host)
    known = draw(st.lists(guests(plain), min_size=1, max_size=3))
    for number in range(draw(st.integers(1, most))):
        guest = draw(st.sampled_from(known))
        name = draw(st.sampled_from(sorted(hosts)))
        claim = Claims(guest, packing=False).on(hosts[name])
        if claim is None:
            continue
        made = nova.claim(hosts[name], guest, hosts[name].pools)
        assert [cell.id for cell in made.cells] == list(claim.cell_ids)
        hosts[name] = host_after(claim)
        nova.come(f'uuid-{number}', name, made)
        flavor = dataclasses.replace(
            make_flavor(f'flavor-{number}', guest=guest),
            memory_mb=draw(st.sampled_from(MEMORY)),
            asked=Asked({'DISK_GB': draw(st.sampled_from((0, 0, 1)))}),
        )
        servers.append(
            Server(
                f'uuid-{number}',
                f'server-{number}',
                None,
                name,
                name,
                flavor,
                guest=guest,
                seats=seats(made),
                asked=flavor.asked,
                locked=draw(st.integers(0, 7)) == 0,
                vm_state='active',
            )
        )
    fleet = Fleet(
        tuple(
            FleetHost(
                name,
                name,
                name,
                host,
                QEMU,
                up=True,
                inventories={'DISK_GB': draw(disks(servers, name))},
            )
            for name, host in hosts.items()
        ),
        tuple(servers),
    )
    return draw(grouped(fleet)), nova


def disks(servers, name):
    """Give the disk of a host, most often more than enough."""
    used = sum(
        each.asked.resources['DISK_GB']
        for each in servers
        if each.host == name
    )
    return st.sampled_from((9, 9, used)).map(
        lambda total: Inventory(total, used=used)
    )


@st.composite
def grouped(draw, fleet):
    """Give the fleet with some of its servers in a group, or none."""
    policy = draw(st.sampled_from((None, 'anti-affinity', 'affinity')))
    if policy is None:
        return fleet
    members = frozenset(
        each.uuid for each in fleet.servers if draw(st.booleans())
    )
    group = Group('group', 'group', policy, members, draw(st.integers(1, 2)))
    return dataclasses.replace(
        fleet,
        groups=(group,),
        servers=tuple(
            dataclasses.replace(each, group='group')
            if each.uuid in members
            else each
            for each in fleet.servers
        ),
    )


def carry_out(fleet, nova, waves):
    """Have Nova's own claim take each step, in waves; it must agree.

    Servers of a wave hold their room on both hosts until all have moved.
    """
    values = {host.name: host.host for host in fleet.hosts}
    disk = {
        host.name: host.inventories['DISK_GB'].free for host in fleet.hosts
    }
    held = {each.uuid: each.seats for each in fleet.servers}
    for wave in waves:
        for step in wave:
            guest, target = step.server.guest, values[step.destination]
            made = nova.claim(target, guest, target.pools)
            assert made is not None
            assert tuple(cell.id for cell in made.cells) == step.cells
            nova.come(step.server.uuid, step.destination, made)
            values[step.destination] = host_after(
                Claims(guest, packing=False).on(target)
            )
            disk[step.destination] -= step.server.asked.resources['DISK_GB']
            assert disk[step.destination] >= 0
        for step in wave:
            server = step.server
            nova.leave(server.uuid, step.source)
            values[step.source] = host_without(
                values[step.source], server.guest, held[server.uuid]
            )
            held[server.uuid] = seats(
                nova.servers[server.uuid, step.destination]
            )
            disk[step.source] += server.asked.resources['DISK_GB']
    return values
