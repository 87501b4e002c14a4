"""Fleets for tests, with only what a test cares about spelt out."""

from numa_sched.destination import Node
from numa_sched.destination.cpu import GuestCPU, HostCPU
from numa_sched.fleet import (
    Aggregate,
    Asked,
    Flavor,
    Fleet,
    FleetHost,
    Inventory,
    Ranking,
    Seat,
    Server,
    ServerGroup,
    Weighed,
    Weigher,
)
from numa_sched.topology import (
    DeviceAffinity,
    DevicePool,
    DeviceRequest,
    Guest,
)
from tests.builders import (
    DEDICATED,
    GIANT_KB,
    NIC,
    kind,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
    mask,
)

QEMU = Node('QEMU', 8001000, service_version=70)


def make_fleet_host(name='host', *cells, **fields):
    """Give a host of a fleet that is up; a number is a cell of so many CPUs.

    :param fields: those of ``FleetHost``; ``devices``, ``pools`` and
        ``spares_devices`` are of its ``Host``
    """
    of_host = {
        key: fields.pop(key)
        for key in ('devices', 'pools', 'spares_devices')
        if key in fields
    }
    return FleetHost(
        name=name,
        nodename=fields.pop('nodename', name),
        uuid=fields.pop('uuid', f'uuid-of-{name}'),
        host=make_host(*cells, name=name, **of_host) if cells else None,
        node=fields.pop('node', QEMU),
        up=fields.pop('up', True),
        **fields,
    )


def make_flavor(name='flavor', *cells, **fields):
    """Give a flavor; a number is a guest cell of so many dedicated CPUs."""
    guest = fields.pop('guest', make_guest(*cells) if cells else None)
    of_cells = guest.cells if guest else ()
    return Flavor(
        name=name,
        vcpus=sum(each.shared + each.dedicated for each in of_cells) or 1,
        memory_mb=sum(each.memory_mb for each in of_cells) or 512,
        guest=guest,
        **fields,
    )


def make_server(name='server', flavor=None, host='host', **fields):
    """Give a server; its cells are on the cells 0, 1, ... of its host."""
    flavor = flavor or make_flavor('flavor', 1)
    guest = fields.pop('guest', flavor.guest)
    return Server(
        uuid=fields.pop('uuid', f'uuid-of-{name}'),
        name=name,
        project=fields.pop('project', 'project'),
        host=host,
        nodename=fields.pop('nodename', host),
        flavor=flavor,
        guest=guest,
        seats=fields.pop(
            'seats',
            tuple(
                Seat(index, page_size_kb=None)
                for index in range(len(guest.cells) if guest else 0)
            ),
        ),
        asked=fields.pop('asked', flavor.asked),
        vm_state=fields.pop('vm_state', 'active'),
        **fields,
    )


def everything():
    """Give a fleet in which every field tells something."""
    asked = Asked({'PCPU': 4, 'MEMORY_MB': 1024}, frozenset({'T'}))
    pinned = make_flavor(
        'pinned',
        guest=Guest(
            (
                make_guest_cell(2, threads='isolate', page_size=-2),
                make_guest_cell(
                    1, shared=1, policy=DEDICATED, page_size=GIANT_KB
                ),
            ),
            isolate_emulator=True,
            physnets=frozenset({'one', 'two'}),
            tunneled=True,
            devices=(
                DeviceRequest(
                    2,
                    (NIC, kind(tags=frozenset({'a', 'b'}), none=None)),
                    DeviceAffinity.SOCKET,
                ),
            ),
        ),
        disk_gb=20,
        extra_specs={'hw:cpu_policy': 'dedicated', 'trait:T': 'required'},
        asked=asked,
        extra={'swap': 7},
    )
    plain = make_flavor('plain', error='is no use')
    resized = make_flavor('pinned', 1)
    return Fleet(
        hosts=(
            make_fleet_host(
                'host-1',
                make_cell(
                    0,
                    cpus=4,
                    threads=2,
                    socket=0,
                    pinned=(0, 2),
                    pages=((4, 1000, 10, 5), (GIANT_KB, 4, 1)),
                    physnets=frozenset({'one'}),
                    tunneled=True,
                    memory_used_mb=512,
                ),
                make_cell(
                    1, cpus=4, shared=True, shared_used=3, physnets=frozenset()
                ),
                pools=(DevicePool(0, NIC, 2, 'rp'), DevicePool(None, NIC, 1)),
                spares_devices=False,
                nodename='node-1',
                node=Node(
                    'QEMU',
                    8001000,
                    HostCPU('x86_64', 'Intel', 'Penryn', frozenset({'avx'})),
                    has_kvm=False,
                    service_version=70,
                ),
                traits=frozenset({'T', 'CUSTOM_SECRET'}),
                inventories={'PCPU': Inventory(8, 1, 1.5, 4)},
                weighed={
                    'RAMWeigher': Weighed(512.0, 1.5),
                    'OwnWeigher': Weighed(None, -1.0),
                },
                zone='zone',
                disabled='',
                extra={'rack': 'a'},
            ),
            make_fleet_host('host-2', error='it is odd', up=None),
        ),
        flavors=(pinned, plain),
        servers=(
            make_server(
                'one',
                pinned,
                'host-1',
                nodename='node-1',
                image_properties={'hw_x': 'y'},
                seats=(Seat(0, mask(0, 2), GIANT_KB), Seat(1)),
                cpu=GuestCPU('Intel', frozenset({'avx'})),
                emulated=True,
                zone='zone',
                task_state='migrating',
                locked=True,
                group='group',
                ports=(('ovs', 'direct'), (None, None)),
                extra={'note': [1, None]},
            ),
            make_server('two', resized, None, nodename=None, project=None),
            make_server(
                'three', plain, 'host-2', guest=make_guest(3), asked=asked
            ),
            make_server('four', pinned, 'host-2', guest=None, asked=None),
            make_server('five', plain, 'host-2', cpu=GuestCPU()),
        ),
        aggregates=(
            Aggregate('agg', 'fast', frozenset({'host-1'}), {'ssd': 'true'}),
        ),
        groups=(
            ServerGroup(
                'group',
                'apart',
                'anti-affinity',
                frozenset({'uuid-of-one'}),
                2,
            ),
        ),
        taken_at='2026-11-21T12:00:00Z',
        packing=True,
        image_wishes=False,
        ranking=Ranking(
            'pack',
            2.0,
            ((make_guest(2), 0.5),),
            (Weigher('RAMWeigher', 0.0), Weigher('OwnWeigher', None, 2.0)),
        ),
        extra={'site': 'north'},
    )
