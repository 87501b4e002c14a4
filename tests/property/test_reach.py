"""Devices near cells, against Nova's own answer for each set of cells."""

import dataclasses
import itertools

from hypothesis import given
from hypothesis import strategies as st
from nova import objects
from nova.pci import stats as pci_stats

from numa_sched.fit import choice
from numa_sched.fit.reach import Devices
from numa_sched.nova import convert
from numa_sched.nova.scheduler.pci import chosen_providers
from tests.builders import make_cell, make_guest, make_host
from tests.property import nova_objects

POLICIES = 'required', 'legacy', 'preferred', 'socket', None
TYPES = 'type-PCI', 'type-PCI', 'type-PF', 'vdpa'


@st.composite
def hosts(draw):
    """Give a host of some cells, on sockets or not."""
    ids = draw(
        st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True)
    )
    sockets = draw(st.sampled_from(((0, 1), (0, 1), (0, None))))
    return make_host(
        *(
            make_cell(cell, socket=draw(st.sampled_from(sockets)))
            for cell in ids
        )
    )


@st.composite
def devices(draw, host):
    """Give ``PciDeviceStats`` of a host, also with odd pools."""
    near = [cell.id for cell in host.layout.cells]
    pools = draw(
        st.lists(
            st.builds(
                dict,
                numa_node=st.sampled_from((*near, *near, None, 9)),
                product_id=st.sampled_from('12'),
                dev_type=st.sampled_from(TYPES),
                count=st.integers(0, 3),
                remote=st.sampled_from((None, None, 'true', 'False')),
                net=st.sampled_from((None, 'Blue', 'red')),
            ),
            max_size=6,
        )
    )
    made = pci_stats.PciDeviceStats(nova_objects.host_topology(host))
    for number, pool in enumerate(pools):
        pool['vendor_id'] = '8086'
        pool['address'] = f'0000:{number:02}:00.0'
        for name, tag in (
            ('remote', 'remote_managed'),
            ('net', 'physical_network'),
        ):
            if (value := pool.pop(name)) is not None:
                pool[tag] = value
        provider = draw(st.sampled_from((number, number, number, 0, None)))
        if provider is not None:
            pool['rp_uuid'] = f'provider {provider}'
        made.pools.append(pool)
    return made


@st.composite
def requests(draw):
    """Give requests of flavors and of ports, some for the same devices."""
    wanted = st.sampled_from(
        (
            {'vendor_id': '8086'},
            {'vendor_id': '8086', 'product_id': '1'},
            {'product_id': '1', 'resource_class': 'CUSTOM_X'},
            {'product_id': '2', 'dev_type': 'type-PF'},
            {'dev_type': 'vdpa'},
            {'physical_network': 'blue'},
            {'physical_network': 'red', 'remote_managed': 'True'},
        )
    )
    return [
        objects.InstancePCIRequest(
            count=draw(st.sampled_from((1, 1, 2, 3, 0))),
            request_id=f'request-{number}',
            alias_name=f'alias-{number}' if draw(st.booleans()) else None,
            spec=draw(st.lists(wanted, min_size=1, max_size=2)),
            numa_policy=draw(st.sampled_from(POLICIES)),
        )
        for number in range(draw(st.integers(1, 4)))
    ]


@st.composite
def mappings(draw, stats, wanted):
    """Give the providers that placement has chosen, or none."""
    known = [pool['rp_uuid'] for pool in stats.pools if 'rp_uuid' in pool]
    if not known or draw(st.booleans()):
        return {}
    mapping = {'': ['root']}
    for request in wanted:
        for number in range(request.count if draw(st.booleans()) else 0):
            provider = draw(st.sampled_from(known))
            mapping[f'{request.request_id}-{number}'] = [provider]
    return mapping


@st.composite
def cases(draw):
    """Give the constraint, Nova's own answer, and how many cells there are."""
    host = draw(hosts())
    stats, wanted = draw(devices(host)), draw(requests())
    mapping = draw(mappings(stats, wanted))
    host = dataclasses.replace(
        host, pools=tuple(map(convert._pool, stats.pools))
    )
    guest = make_guest(1, devices=tuple(map(convert._device_request, wanted)))
    ids = [cell.id for cell in host.layout.cells]

    def nova_accepts(indexes):
        cells = [objects.InstanceNUMACell(id=ids[each]) for each in indexes]
        return stats.support_requests(wanted, mapping, cells)

    near = Devices(host, guest).near(chosen_providers(stats, wanted, mapping))
    return near, nova_accepts, len(ids)


def sets(available):
    """Give all sets of so many cells, but the one without any."""
    for size in range(1, available + 1):
        yield from itertools.combinations(range(available), size)


@given(cases())
def test_devices_are_near_exactly_where_nova_finds_them(case):
    near, nova_accepts, available = case
    for chosen in sets(available):
        assert near.accepts(chosen) == nova_accepts(chosen)


@given(cases())
def test_needs_are_met_wherever_nova_finds_devices(case):
    near, nova_accepts, available = case
    for chosen in sets(available):
        met = all(need.met(chosen) for need in near.needs)
        assert met or not nova_accepts(chosen)
        if near.exact:
            assert met == nova_accepts(chosen)


@given(cases())
def test_cells_that_nothing_tells_apart_stand_for_each_other(case):
    near, nova_accepts, available = case

    def kind(index):
        return near.key(index), [
            (need.brings[index], need.groups and need.groups[index])
            for need in near.needs
        ]

    for chosen in sets(available):
        for out, come in itertools.product(chosen, range(available)):
            if come not in chosen and kind(out) == kind(come):
                other = [come if each == out else each for each in chosen]
                assert nova_accepts(chosen) == nova_accepts(other)


@given(cases(), st.integers(1, 4))
def test_cells_are_found_exactly_if_some_set_of_them_will_do(case, size):
    near, nova_accepts, available = case
    if size > available:
        return
    accepted = [list(range(available))] * size
    found = choice.choose(accepted, [near], choice.Budget(10**6))
    assert (found is not None) == any(
        map(nova_accepts, itertools.combinations(range(available), size))
    )
    assert found is None or nova_accepts(sorted(found.values()))
