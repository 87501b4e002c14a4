"""Counting guests with PCI devices against placing them one by one."""

import dataclasses
import functools
import itertools

from hypothesis import given
from hypothesis import strategies as st
from nova import objects
from nova.pci import stats as pci_stats

from numa_sched import fit
from numa_sched.fit.capacity import Capacity
from numa_sched.fit.devices import matches, pools_after
from numa_sched.fit.left import Left, LeftAfter
from numa_sched.nova import convert
from numa_sched.topology import (
    DeviceAffinity,
    DevicePool,
    DeviceRequest,
    Guest,
)
from tests.builders import (
    GPU,
    NIC,
    make_cell,
    make_guest_cell,
    make_host,
)
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)
from tests.property import strategies

ONE_CPU = make_guest_cell(1, memory_mb=0)
ANY = frozenset()


@st.composite
def hosts_with_devices(draw, max_cells=3):
    """Give a host with room for some guests of a CPU, and some devices."""
    ids = draw(
        st.lists(
            st.integers(0, 9), min_size=1, max_size=max_cells, unique=True
        )
    )
    cells = [
        make_cell(
            cell,
            cpus=draw(st.integers(0, 3)),
            socket=draw(st.sampled_from((0, 0, 0, 1, 1, None))),
        )
        for cell in ids
    ]
    pools = st.builds(
        DevicePool,
        st.sampled_from((*ids, *ids, None, 10)),
        st.sampled_from((NIC, GPU)),
        st.integers(0, 4),
    )
    return make_host(*cells, pools=tuple(draw(st.lists(pools, max_size=5))))


@st.composite
def device_requests(draw, affinities=tuple(DeviceAffinity)):
    return DeviceRequest(
        draw(st.integers(1, 3)),
        (draw(st.sampled_from((NIC, GPU, ANY))),),
        draw(st.sampled_from(affinities)),
    )


def usable(host, chosen, affinity):
    """Give the cells whose devices are near enough to chosen cells."""
    layouts = {cell.id: cell for cell in host.layout.cells}
    if affinity is DeviceAffinity.PREFERRED:
        return {None, 10, *layouts}
    if affinity is DeviceAffinity.LEGACY:
        return {None, *chosen}
    sockets = {cell.socket for cell in layouts.values()}
    if affinity is DeviceAffinity.SOCKET and None not in sockets:
        near = {layouts[cell].socket for cell in chosen}
        return {cell for cell in layouts if layouts[cell].socket in near}
    return set(chosen)


def takings(pools, wanted, may):
    """Give what may be left of the counts of pools, for each way to take."""
    if not wanted:
        yield pools
        return
    if not pools:
        return
    for taken in range(min(pools[0], wanted) + 1 if may[0] else 1):
        for rest in takings(pools[1:], wanted - taken, may[1:]):
            yield (pools[0] - taken, *rest)


def placed(host, guest):
    """Give the most guests that can be placed, by trying everything."""
    ids = [cell.id for cell in host.layout.cells]

    @functools.cache
    def most(rooms, counts):
        best = 0
        for chosen in itertools.combinations(
            range(len(ids)), len(guest.cells)
        ):
            if not all(rooms[index] for index in chosen):
                continue
            left = tuple(
                room - (index in chosen) for index, room in enumerate(rooms)
            )
            states = {counts}
            for request in guest.devices:
                near = usable(
                    host, {ids[index] for index in chosen}, request.affinity
                )
                may = [
                    pool.cell in near and matches(request, pool.kind)
                    for pool in host.pools
                ]
                states = {
                    after
                    for before in states
                    for after in takings(before, request.count, may)
                }
            for after in states:
                best = max(best, 1 + most(left, after))
        return best

    return most(
        tuple(cell.dedicated_count for cell in host.layout.cells),
        tuple(pool.count for pool in host.pools),
    )


def counted(host, guest):
    return int(Capacity(Left([host])).guests(guest)[0])


def with_devices(cells, *requests):
    return Guest((ONE_CPU,) * cells, devices=requests)


@given(hosts_with_devices(), device_requests())
def test_guests_of_one_cell_with_one_request_are_counted_exactly(
    host, request
):
    guest = with_devices(1, request)
    assert counted(host, guest) == placed(host, guest)


@given(hosts_with_devices(), device_requests())
def test_guests_of_all_cells_with_one_request_are_counted_exactly(
    host, request
):
    guest = with_devices(len(host.layout.cells), request)
    assert counted(host, guest) == placed(host, guest)


@given(hosts_with_devices(), st.integers(1, 3), st.integers(1, 3))
def test_near_devices_of_two_kinds_are_counted_exactly_for_one_cell(
    host, some, others
):
    required = DeviceAffinity.REQUIRED
    guest = with_devices(
        1,
        DeviceRequest(some, (NIC,), required),
        DeviceRequest(others, (GPU,), required),
    )
    assert counted(host, guest) == placed(host, guest)


@given(hosts_with_devices(), device_requests(), st.integers(1, 2))
def test_two_requests_for_the_same_are_one_for_both(host, request, more):
    both = dataclasses.replace(request, count=request.count + more)
    other = dataclasses.replace(request, count=more)
    assert counted(host, with_devices(1, request, other)) == counted(
        host, with_devices(1, both)
    )


@given(
    hosts_with_devices(),
    st.integers(1, 3),
    st.lists(device_requests(), min_size=1, max_size=2),
)
def test_no_fewer_are_counted_than_can_be_placed(host, cells, requests):
    guest = with_devices(cells, *requests)
    assert placed(host, guest) <= counted(host, guest)


@given(hosts_with_devices(), st.integers(1, 3), device_requests())
def test_no_more_are_counted_than_without_devices(host, cells, request):
    assert counted(host, with_devices(cells, request)) <= counted(
        host, with_devices(cells)
    )


@st.composite
def claims_with_devices(draw):
    """Give Nova's devices, its requests, and the claim for them."""
    host = make_host(
        *(
            make_cell(cell, cpus=2, socket=socket)
            for cell, socket in enumerate((0, 0, 1))
        )
    )
    pools = draw(strategies.device_pools(host))
    state = make_host_state(host, pools=pools)
    cells = draw(st.integers(1, 2))
    request = make_request(
        {**PINNED, 'hw:numa_nodes': str(cells)},
        vcpus=cells,
        ram=2 * cells,
        pci=draw(strategies.device_wishes),
    )
    requests = request.pci_requests.requests
    trial = fit.Trial(convert.host(state), convert.guest(request))
    claim = trial.claim([trial.devices_near()])
    return state.pci_stats, requests, claim


@given(claims_with_devices())
def test_a_claim_takes_the_devices_that_nova_takes(made):
    stats, requests, claim = made
    if not claim:
        return
    stats.apply_requests(
        requests,
        {},
        [objects.InstanceNUMACell(id=id) for id in claim.cell_ids],
    )
    left = [pool for pool in pools_after(claim) if pool.count]
    assert [
        (pool.cell, dict(pool.kind)['product_id'], pool.count) for pool in left
    ] == [
        (pool['numa_node'], pool['product_id'], pool['count'])
        for pool in stats.pools
    ]


@given(claims_with_devices(), st.integers(1, 3), device_requests())
def test_what_is_left_after_a_claim_is_what_the_pools_have_then(
    made, cells, request
):
    *_, claim = made
    if not claim:
        return
    guest = with_devices(cells, request)
    host = dataclasses.replace(claim.host, pools=pools_after(claim))
    without_cpus = LeftAfter(
        Left([host]),
        [
            dataclasses.replace(
                claim, host=host, guest=Guest(claim.guest.cells)
            )
        ],
    )
    after = LeftAfter(Left([claim.host]), [claim])
    assert Capacity(after).guests(guest) == Capacity(without_cpus).guests(
        guest
    )


PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        'product_id': st.sampled_from(('1', '2')),
        'dev_type': st.sampled_from(
            ('type-PCI', 'type-PF', 'type-VF', 'vdpa')
        ),
        'physical_network': st.sampled_from(('Net', 'net', 'other', None)),
        'remote_managed': st.sampled_from(('True', 'False', 'true', '1')),
        'live_migratable': st.sampled_from(('true', 'false')),
        'resource_class': st.just('CUSTOM_DEVICE'),
    },
)


@given(PROPERTIES, st.lists(PROPERTIES, min_size=1, max_size=2))
def test_devices_will_do_if_nova_says_so(pool, specs):
    pool.pop('resource_class', None)
    stats = pci_stats.PciDeviceStats(objects.NUMATopology(cells=[]))
    request = objects.InstancePCIRequest(count=0, spec=specs)
    stats.pools = [{'numa_node': 0, 'count': 1, **pool}]
    found = stats._filter_pools(stats.pools, request, None, [])
    ours = matches(
        convert._device_request(request), convert._pool(stats.pools[0]).kind
    )
    assert ours == bool(found)
