import json

from numa_sched.fleet import Fleet, snapshot
from numa_sched.fleet.anonymous import anonymised
from tests.builders import kind, make_cell, make_guest
from tests.fleets import everything, make_flavor, make_fleet_host, make_server

NAMES = (
    *('host-1', 'node-1', 'one', 'two', 'pinned', 'plain', 'project', 'zone'),
    *('agg', 'fast', 'ssd', 'apart', 'group', 'CUSTOM_SECRET', 'rack', 'site'),
    *('uuid-of-one', 'uuid-of-host-1', 'it is odd', 'note', 'swap'),
)


def test_no_name_is_left():
    told = snapshot.dumps(anonymised(everything())).decode()
    # New names are like the old ones of this fleet.
    values = set(told.replace('{', '"').replace('}', '"').split('"'))
    left = values & (set(NAMES) - {'host-1', 'zone', 'project', 'group'})
    assert left == set()


def test_what_answers_depend_on_stays():
    fleet = everything()
    other = anonymised(fleet)
    assert [each.seats for each in other.servers] == [
        each.seats for each in fleet.servers
    ]
    assert other.hosts[0].host.pinned == fleet.hosts[0].host.pinned
    assert other.hosts[0].inventories == fleet.hosts[0].inventories
    assert {key: len(servers) for key, servers in other.by_host.items()} == {
        ('host-1', 'host-2'): 1,
        ('host-3', 'host-3'): 3,
    }
    assert other.servers[0].uuid in other.groups[0].members
    assert other.servers[0].group == other.groups[0].uuid


def test_the_same_name_is_the_same_again():
    hosts = tuple(
        make_fleet_host(
            name,
            make_cell(0, physnets=frozenset({'net'})),
            traits=frozenset({'CUSTOM_X'}),
            inventories={},
        )
        for name in ('a', 'b')
    )
    flavor = make_flavor(
        'f',
        guest=make_guest(1, physnets=frozenset({'net'})),
        extra_specs={'trait:CUSTOM_X': 'required', 'note': 'mine'},
    )
    fleet = anonymised(
        Fleet(
            hosts=hosts,
            flavors=(flavor,),
            servers=(make_server('s', flavor, 'a'),),
        )
    )
    first, second = fleet.hosts
    assert first.host.layout is second.host.layout
    assert first.host.layout.cells[0].physnets == flavor_networks(fleet)
    assert first.traits == second.traits == {'CUSTOM_1'}
    assert fleet.flavors[0].extra_specs == {'trait:CUSTOM_1': 'required'}
    assert fleet.servers[0].flavor is fleet.flavors[0]
    assert fleet.servers[0].host == first.name != second.name


def flavor_networks(fleet):
    return fleet.flavors[0].guest.physnets


def test_devices_keep_what_they_are_and_lose_where():
    (host,) = anonymised(
        Fleet(
            (
                make_fleet_host(
                    'a',
                    4,
                    pools=everything().hosts[0].host.pools[:1],
                ),
            )
        )
    ).hosts
    (pool,) = host.host.pools
    assert pool.kind == kind(product_id='1')
    assert pool.provider != 'rp'


def test_it_can_be_read_again():
    fleet = anonymised(everything())
    data = snapshot.dumps(fleet)
    assert json.loads(snapshot.dumps(snapshot.loads(data))) == json.loads(data)
