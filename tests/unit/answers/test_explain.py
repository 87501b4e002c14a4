import pytest

from numa_sched.answers import Move, explain, of_flavor, of_server
from numa_sched.answers.changes import changes
from numa_sched.answers.explain import pairs
from numa_sched.destination import Node, Rules
from numa_sched.destination.cpu import HostCPU
from numa_sched.exceptions import NotFoundError, RequestError
from numa_sched.fleet import Aggregate, Asked, Fleet, Inventory, Seat
from numa_sched.fleet import ServerGroup as Group
from numa_sched.topology import DeviceAffinity, DeviceRequest
from tests.builders import (
    GIANT_KB,
    HUGE_KB,
    make_cell,
    make_guest,
    make_guest_cell,
)
from tests.fleets import QEMU, make_flavor, make_fleet_host, make_server

POST_COPY = 'COMPUTE_MIGRATE_POST_COPY'


def told(fleet, request):
    """Give all that stands against each host, as text, by name."""
    return {
        each.host.name: [refusal.text for refusal in each.refusals]
        for each in explain(fleet, request).verdicts
    }


def why_not(request=None, hosts=None, **of_host):
    """Give what stands against one host."""
    host = make_fleet_host('host', *(hosts or (4,)), **of_host)
    request = request or of_flavor(make_flavor('flavor', 1))
    return told(Fleet((host,)), request)['host']


def test_a_host_that_has_all_passes_with_a_claim():
    fleet = Fleet((make_fleet_host('host', 4),))
    (verdict,) = explain(fleet, of_flavor(make_flavor('f', 2))).verdicts
    assert verdict.passes
    assert verdict.claim.cell_ids == (0,)


def test_a_misfit_has_its_numbers():
    request = of_flavor(make_flavor('f', 6))
    assert why_not(request) == [
        'guest cell 0 fits no host cell: needs 6 dedicated CPUs, the cell has '
        '4 (cell 0)'
    ]


def test_reasons_need_not_be_looked_for():
    fleet = Fleet((make_fleet_host('a', 1), make_fleet_host('b', 2)))
    request = of_flavor(make_flavor('f', 2))
    for reasons in (True, False):
        found = explain(fleet, request, reasons=reasons)
        assert [each.passes for each in found.verdicts] == [False, True]
        (refusal,) = found.verdicts[0].refusals
        assert (refusal.summary == 'does not fit') is not reasons


def test_a_guest_without_topology_passes_whatever_the_cells_are():
    request = of_flavor(make_flavor('plain'))
    assert why_not(request, error='odd') == []


@pytest.mark.parametrize(
    ('of_host', 'reason'),
    [
        ({'up': False}, 'its service is down'),
        ({'disabled': ''}, 'its service is disabled'),
        ({'disabled': 'repair'}, 'its service is disabled: repair'),
        ({'error': 'odd'}, 'its NUMA topology makes no sense: odd'),
        ({'up': None}, None),
    ],
)
def test_hosts_out_of_order_are_told(of_host, reason):
    assert why_not(**of_host) == ([reason] if reason else [])


def test_a_host_without_topology_is_told():
    fleet = Fleet((make_fleet_host('host'),))
    request = of_flavor(make_flavor('f', 1))
    assert told(fleet, request) == {'host': ['the host has no NUMA topology']}


def test_threads_that_are_required_are_looked_for_first():
    flavor = make_flavor('f', make_guest_cell(2, threads='require'))
    assert why_not(of_flavor(flavor)) == [
        'needs sibling threads, the host has none'
    ]
    assert why_not(of_flavor(flavor), [make_cell(threads=2)]) == []


def test_traits_of_the_policy_and_of_the_flavor_are_required():
    flavor = make_flavor(
        'f',
        1,
        extra_specs={
            'compute:live_migration_post_copy': 'true',
            'trait:CUSTOM_A': 'required',
            'trait:CUSTOM_B': 'forbidden',
        },
    )
    request = of_flavor(flavor)
    assert why_not(request, traits=frozenset({'CUSTOM_B'})) == [
        f'without the trait {POST_COPY}',
        'without the trait CUSTOM_A',
        'with the trait CUSTOM_B, which is forbidden',
    ]
    assert why_not(request, traits=frozenset({POST_COPY, 'CUSTOM_A'})) == []
    assert request.origins == (
        f'{POST_COPY} (flavor key compute:live_migration_post_copy has the '
        f"value 'true')",
    )


def test_traits_that_nova_has_read_go_before_keys():
    flavor = make_flavor('f', 1, asked=Asked({}, frozenset({'HW_A'})))
    assert why_not(of_flavor(flavor)) == ['without the trait HW_A']


CONTRADICTION = {
    'compute:live_migration_post_copy': 'true',
    'compute:live_migration_auto_converge': 'true',
}


def test_a_contradiction_stands_against_every_host_at_create_only():
    flavor = make_flavor('f', 1, extra_specs=CONTRADICTION)
    (reason,) = why_not(of_flavor(flavor))
    assert reason.startswith('the request is refused: flavor key')
    server = make_server('s', flavor, 'elsewhere')
    assert why_not(of_server(server)) == []


@pytest.mark.parametrize(
    ('inventories', 'reason'),
    [
        (None, None),
        ({'PCPU': Inventory(4)}, None),
        ({'PCPU': Inventory(4, used=2)}, None),
        (
            {'PCPU': Inventory(4, used=3)},
            'needs 2 PCPU of placement, 1 free',
        ),
        (
            {'PCPU': Inventory(4, used=9)},
            'needs 2 PCPU of placement, 0 free',
        ),
        ({'PCPU': Inventory(2, reserved=1, ratio=2.5)}, None),
        (
            {'PCPU': Inventory(2, reserved=1, ratio=1.9)},
            'needs 2 PCPU of placement, 1 free',
        ),
        ({'VCPU': Inventory(4)}, 'placement knows no PCPU of it, 2 needed'),
    ],
)
def test_placement_must_have_the_amounts(inventories, reason):
    flavor = make_flavor('f', 1, asked=Asked({'PCPU': 2, 'DISK_GB': 9}))
    found = why_not(of_flavor(flavor), inventories=inventories)
    assert found == ([reason] if reason else [])


def test_a_zone_that_is_asked_for_is_held_to():
    flavor = make_flavor('f', 1)
    request = of_flavor(flavor, zone='north')
    assert why_not(request, zone='south') == [
        'is in the zone south, north is asked for'
    ]
    assert why_not(request, zone='east') != []
    assert why_not(request, zone='north') == []
    server = make_server('s', flavor, 'elsewhere', zone='north')
    assert why_not(of_server(server), zone='south') != []
    assert why_not(of_server(server, zone='south'), zone='south') == []


def test_an_aggregate_that_is_asked_for_is_held_to():
    fleet = Fleet(
        (make_fleet_host('a', 4), make_fleet_host('b', 4)),
        aggregates=(Aggregate('uuid', 'fast', frozenset({'b'})),),
    )
    flavor = make_flavor('f', 1)
    for name in ('fast', 'uuid'):
        assert told(fleet, of_flavor(flavor, aggregate=name)) == {
            'a': [f'not in the aggregate {name}'],
            'b': [],
        }
    with pytest.raises(NotFoundError, match='there is no aggregate slow'):
        explain(fleet, of_flavor(flavor, aggregate='slow'))


def in_group(policy, *hosts, most=1, move=Move.LIVE):
    """Give what stands against hosts a to c for a server of a group.

    :param hosts: of the members, the first one being that of the server
    """
    flavor = make_flavor('f', 1)
    servers = [
        make_server(f's{number}', flavor, host, group='group')
        for number, host in enumerate(hosts)
    ]
    group = Group(
        'group', 'g', policy, frozenset(each.uuid for each in servers), most
    )
    fleet = Fleet(
        tuple(make_fleet_host(name, 4) for name in 'abc'),
        tuple(servers),
        groups=(group,),
    )
    return told(fleet, of_server(servers[0], move))


def test_servers_that_want_to_be_apart_are():
    assert in_group('anti-affinity', 'a', 'b') == {
        'a': ['the server is there'],
        'b': ['has 1 servers of group g, at most 1 may be there'],
        'c': [],
    }
    assert in_group('anti-affinity', 'a', 'b', most=2)['b'] == []
    assert in_group('anti-affinity', 'a', 'b', 'b')['b'] == [
        'has 2 servers of group g, at most 1 may be there'
    ]


def test_servers_that_want_to_be_together_are():
    assert in_group('affinity', 'a', 'b') == {
        'a': ['the server is there'],
        'b': [],
        'c': ['the servers of group g must be together, on a, b'],
    }


def test_soft_policies_rule_nothing_out():
    for policy in ('soft-affinity', 'soft-anti-affinity'):
        found = in_group(policy, 'a', 'b')
        assert found['b'] == found['c'] == []


def test_other_groups_and_servers_of_none_do_not_count():
    flavor = make_flavor('f', 1)
    server = make_server('s', flavor, 'a', group='m')
    other = make_server('other', flavor, 'b', group='z')
    alone = make_server('alone', flavor, 'c')
    mine = frozenset({server.uuid, 'one that is nowhere'})
    groups = [
        Group('m', 'g', 'anti-affinity', mine, 1),
        Group('a', 'h', 'affinity', frozenset({alone.uuid}), 1),
        Group('z', 'i', 'anti-affinity', frozenset({other.uuid}), 1),
    ]
    for each in (groups, groups[::-1]):
        fleet = Fleet(
            tuple(make_fleet_host(name, 4) for name in 'abc'),
            (server, other, alone),
            groups=tuple(each),
        )
        assert told(fleet, of_server(server)) == {
            'a': ['the server is there'],
            'b': [],
            'c': [],
        }


def moving(move=Move.LIVE, *, page_size=None, rules=None, **of_target):
    """Give what stands against a host for a server that is to move there."""
    cell = make_guest_cell(1, memory_mb=1024, page_size=page_size)
    server = make_server(
        's',
        make_flavor('f', cell),
        'source',
        seats=(Seat(0, 1, HUGE_KB if page_size else None),),
    )
    hosts = (
        make_fleet_host('source', 4, node=Node('QEMU', 8002000)),
        make_fleet_host(
            'target',
            make_cell(pages=((4, 10**6), (GIANT_KB, 4))),
            **{'node': Node('QEMU', 8002000), **of_target},
        ),
    )
    fleet = Fleet(hosts, (server,), rules=rules or Rules())
    return told(fleet, of_server(server, move))['target']


OLDER = {'node': Node('QEMU', 8001000)}


def test_what_a_live_migration_would_fail_on_is_told():
    assert moving(**OLDER) == [
        "hypervisor version 8001000 is older than the source's 8002000"
    ]
    assert moving(Move.COLD, **OLDER) == []
    assert moving(rules=Rules(older_hypervisors=True), **OLDER) == []


def test_other_pages_than_those_in_use_are_told():
    assert moving(page_size=-2) == [
        'the claim gives 1 GiB pages, at the source the guest has 2 MiB pages'
    ]
    assert moving(Move.COLD, page_size=-2) == []


def test_pages_count_only_where_the_topology_is_claimed():
    old = Rules(version_cap=(5, 2), moves_numa_without_claim=True)
    assert moving(page_size=-2, rules=old) == []


def test_the_pages_of_the_first_cell_are_compared():
    cells = (
        make_guest_cell(1, memory_mb=1024, page_size=-2),
        make_guest_cell(1, memory_mb=4),
    )
    for wanted, sizes in ((cells, (GIANT_KB, None)), (cells[::-1], (4, 4))):
        server = make_server(
            's',
            make_flavor('f', *wanted),
            'source',
            seats=tuple(Seat(at, 0, size) for at, size in enumerate(sizes)),
        )
        pages = ((4, 10**6), (GIANT_KB, 4))
        fleet = Fleet(
            (
                make_fleet_host('source', 4, 4, node=QEMU),
                make_fleet_host(
                    'target',
                    *(make_cell(at, pages=pages) for at in (0, 1)),
                    node=QEMU,
                ),
            ),
            (server,),
        )
        assert told(fleet, of_server(server))['target'] == []


def test_the_source_is_the_node_that_the_server_is_on():
    server = make_server('s', make_flavor('f', 1), 'source', nodename='node-2')
    nodes = [
        make_fleet_host(name, 4, nodename=nodename, node=Node('QEMU', version))
        for name, nodename, version in (
            ('source', 'node-1', 9000000),
            ('source', 'node-2', 8001000),
            ('source', 'node-3', 9000000),
            ('a', 'node-2', 9000000),
            ('z', 'node-2', 9000000),
        )
    ]
    target = make_fleet_host('target', 4, node=Node('QEMU', 8001000))
    for each in (nodes, nodes[::-1]):
        fleet = Fleet((*each, target), (server,))
        assert told(fleet, of_server(server))['target'] == []
    # One that is not told may be any.
    fleet = Fleet((*nodes[3:], target), (server,))
    assert told(fleet, of_server(server))['target'] == []


@pytest.mark.parametrize(
    ('emulated', 'passes'), [(True, True), (False, False)]
)
def test_cpus_are_not_compared_for_a_server_that_may_be_emulated(
    emulated, passes
):
    cpus = [HostCPU('x86_64', vendor) for vendor in ('Intel', 'AMD')]
    server = make_server('s', make_flavor('f', 1), 'source', emulated=emulated)
    fleet = Fleet(
        tuple(
            make_fleet_host(name, 4, node=Node('QEMU', 8002000, cpu))
            for name, cpu in zip(('source', 'target'), cpus, strict=True)
        ),
        (server,),
    )
    assert (told(fleet, of_server(server))['target'] == []) is passes


def test_devices_must_be_near():
    guest = make_guest(
        1, devices=(DeviceRequest(affinity=DeviceAffinity.REQUIRED),)
    )
    request = of_flavor(make_flavor('f', guest=guest))
    assert why_not(request, devices=[(0, 1)]) == []
    assert why_not(request) == [
        'no cells that the guest fits are near enough to the PCI devices it '
        'asks for'
    ]


def test_what_makes_no_sense_is_not_answered():
    with pytest.raises(RequestError, match='flavor f: no CPUs'):
        of_flavor(make_flavor('f', error='no CPUs'))
    with pytest.raises(RequestError, match=r'server s .*: no CPUs'):
        of_server(make_server('s', error='no CPUs'))


def test_hosts_are_grouped_by_all_that_stands_against_them():
    fleet = Fleet(
        (
            make_fleet_host('a', 2),
            make_fleet_host('b', 4, up=False),
            make_fleet_host('c', 3),
            make_fleet_host('d', 2, up=False),
            make_fleet_host('e', 4),
        )
    )
    found = explain(fleet, of_flavor(make_flavor('f', 4)))
    cells = 'cells with too few dedicated CPUs'
    assert [
        (summaries, [each.host.name for each in hosts])
        for summaries, hosts in found.groups().items()
    ] == [
        ((cells,), ['a', 'c']),
        (('service is down',), ['b']),
        (('service is down', cells), ['d']),
    ]
    assert [each.host.name for each in found.passing] == ['e']


def test_each_pair_of_cells_is_told():
    host = make_fleet_host('host', 2, 4).host
    assert [
        (pair.guest_cell, pair.host_cell, pair.misfit)
        for pair in pairs(host, make_guest(3))
    ] == [
        (0, 0, 'needs 3 dedicated CPUs, the cell has 2'),
        (0, 1, None),
    ]


def helpful(fleet, request):
    return list(map(str, changes(fleet, explain(fleet, request))))


def test_other_numbers_of_cells_are_tried():
    fleet = Fleet(
        (
            *(make_fleet_host(f'host-{n}', 4, 4) for n in range(3)),
            make_fleet_host('large', 8),
        )
    )
    flavor = make_flavor('f', make_guest_cell(8, memory_mb=1024))
    assert helpful(fleet, of_flavor(flavor)) == [
        '3 hosts would fit if the flavor asked for 2 NUMA cells '
        '(hw:numa_nodes=2)'
    ]


@pytest.mark.parametrize(
    ('cell', 'host', 'what'),
    [
        (
            {'threads': 'isolate'},
            make_cell(cpus=4, threads=2),
            'did not ask for hw:cpu_thread_policy=isolate',
        ),
        (
            {'page_size': GIANT_KB, 'memory_mb': 1024},
            make_cell(pages=((4, 10**6), (HUGE_KB, 512))),
            'asked for hw:mem_page_size=any',
        ),
    ],
)
def test_weaker_wishes_are_tried(cell, host, what):
    fleet = Fleet((make_fleet_host('host', host),))
    request = of_flavor(make_flavor('f', make_guest_cell(4, **cell)))
    assert (
        f'1 host would fit if the flavor {what}' == helpful(fleet, request)[0]
    )


def test_isolated_emulator_threads_and_near_devices_are_tried():
    fleet = Fleet((make_fleet_host('host', 4, devices=[(None, 1)]),))
    guest = make_guest(4, isolate_emulator=True)
    assert helpful(fleet, of_flavor(make_flavor('f', guest=guest))) == [
        '1 host would fit if the flavor did not ask for '
        'hw:emulator_threads_policy=isolate'
    ]
    near = DeviceRequest(affinity=DeviceAffinity.REQUIRED)
    guest = make_guest(4, devices=(near,))
    assert helpful(fleet, of_flavor(make_flavor('f', guest=guest))) == [
        '1 host would fit if the flavor asked for '
        'hw:pci_numa_affinity_policy=preferred'
    ]


def test_the_one_thing_that_hosts_lack_is_told_and_helps_most_first():
    flavor = make_flavor('f', 1, extra_specs={'trait:CUSTOM_A': 'required'})
    has = {'traits': frozenset({'CUSTOM_A'})}
    fleet = Fleet(
        (
            make_fleet_host('down', 4, up=False, **has),
            make_fleet_host('both', 4, up=False),
            make_fleet_host('one', 4),
            make_fleet_host('two', 4),
        )
    )
    assert helpful(fleet, of_flavor(flavor)) == [
        '2 hosts would pass but for this: without the trait CUSTOM_A',
        '1 host would pass but for this: service is down',
    ]


def test_the_source_is_no_host_that_something_could_be_done_about():
    server = make_server('s', make_flavor('f', 1), 'host')
    fleet = Fleet((make_fleet_host('host', 4),), (server,))
    assert helpful(fleet, of_server(server)) == []
