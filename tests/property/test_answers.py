"""What operators are told is what the scheduler does: filters and weigher.

Over host states of Nova, through Nova's own filters and ours, with devices,
networks, server groups, services that are down, and live migrations.
"""

import dataclasses
import datetime
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nova import exception, objects, servicegroup
from nova.compute import task_states
from nova.scheduler.filters import affinity_filter
from nova.scheduler.filters.compute_filter import ComputeFilter
from nova.scheduler.weights import WeighedHost
from oslo_serialization import jsonutils
from oslo_utils import timeutils

from numa_sched import plugins
from numa_sched.answers import Move, explain, rank
from numa_sched.answers.request import of_flavor, of_server
from numa_sched.exceptions import TopologyError
from numa_sched.fleet import (
    Asked,
    Flavor,
    Fleet,
    FleetHost,
    Seat,
    Server,
    ServerGroup,
)
from numa_sched.history.mix import START, LearnedMix
from numa_sched.nova import convert, nodes
from numa_sched.nova.scheduler import destination, source, underway
from numa_sched.nova.scheduler.demand import Demand
from numa_sched.nova.scheduler.filters import (
    MigrationDestinationFilter,
    NUMAFitFilter,
)
from numa_sched.nova.scheduler.refusals import Memory
from numa_sched.nova.scheduler.weighers import NUMAFitWeigher
from tests.functional.scheduler.requests import make_host_state, make_request
from tests.property import strategies

NAMES = ('a', 'b', 'c', 'd')
SOURCE = 'source'
ZONE, GROUP = 'zone', 'group'
KVM = [['x86_64', 'kvm', 'hvm']]


def rarely(one_in):
    """Give true once in so many cases: small numbers come up more often."""
    return st.sampled_from(range(one_in)).map(lambda n: n == one_in - 1)


extra_specs = st.fixed_dictionaries(
    {},
    optional={
        'hw:cpu_policy': st.sampled_from(('dedicated', 'shared', 'dedicated')),
        'hw:cpu_thread_policy': st.sampled_from(
            ('prefer', 'isolate', 'require')
        ),
        'hw:numa_nodes': st.sampled_from(('1', '2', '2')),
        'hw:mem_page_size': st.sampled_from(
            ('large', 'any', 'large', 'any', 'small', '2048', '1048576')
        ),
        'hw:emulator_threads_policy': st.just('isolate'),
    },
)


@st.composite
def requests(draw):
    """Give a request that Nova makes something of."""
    try:
        return make_request(
            draw(extra_specs),
            vcpus=draw(st.sampled_from((1, 2, 4, 6))),
            ram=draw(st.sampled_from((256, 512, 1024, 2048))),
            pci=draw(st.just([]) | strategies.device_wishes),
            physnets=draw(st.sampled_from(((), (), ('one',), ('two', 'far')))),
        )
    except exception.NovaException:
        return make_request({'hw:cpu_policy': 'dedicated'}, vcpus=2)


@st.composite
def states(draw, name):
    """Give the state of a host, some of which are out of order."""
    host = dataclasses.replace(
        draw(
            strategies.hosts()
            | strategies.real_hosts()
            | strategies.real_hosts()
        ),
        name=name,
    )
    state = make_host_state(
        host,
        pools=draw(strategies.device_pools(host)),
        hypervisor_type=draw(st.sampled_from(('QEMU',) * 9 + ('ironic',))),
        hypervisor_version=7000000 if draw(rarely(6)) else 8002000,
        cpu_info=jsonutils.dumps(
            {
                'arch': draw(st.sampled_from(('x86_64',) * 9 + ('aarch64',))),
                'vendor': draw(st.sampled_from(('Intel',) * 7 + ('AMD',))),
                'model': 'Broadwell',
                'features': draw(
                    st.sampled_from((['fpu', 'avx'], ['fpu'], []))
                ),
            }
        ),
        supported_instances=draw(st.sampled_from((KVM, KVM, []))),
    )
    if draw(rarely(20)):
        state.numa_topology = None
    elif draw(rarely(20)):
        state.numa_topology.cells[0].pinned_cpus = {999}
    heartbeat = timeutils.utcnow()
    if draw(rarely(16)):
        heartbeat -= datetime.timedelta(hours=1)
    is_disabled = draw(rarely(16))
    state.service = {
        'version': 39 if draw(rarely(8)) else 74,
        'disabled': is_disabled,
        'disabled_reason': 'repair' if is_disabled else None,
        'forced_down': False,
        'last_seen_up': heartbeat,
        'binary': 'nova-compute',
        'host': name,
    }
    return state


@st.composite
def groups(draw, server):
    """Give the policy of a server group, and hosts by member; or None."""
    if not draw(rarely(3)):
        return None
    members = {
        f'member-{number}': draw(st.sampled_from(NAMES))
        for number in range(draw(st.integers(0, 3)))
    }
    return (
        draw(st.sampled_from(('anti-affinity',) * 3 + ('affinity',))),
        {server: SOURCE, **members},
        draw(st.integers(1, 2)),
    )


@st.composite
def situations(draw):
    """Give a request, host states, and what the request is for."""
    request = draw(requests())
    found = [draw(states(name)) for name in NAMES]
    origin = draw(states(SOURCE))
    move = draw(st.sampled_from((Move.LIVE, *Move)))
    group = None
    if move is not Move.CREATE:
        group = draw(groups(request.instance_uuid))
    page_size = draw(st.sampled_from((4, 4, 2048, 1048576)))
    return request, found, origin, move, group, page_size


def fleet_host(state):
    """Give a host as the live source gives it."""
    service = state.service
    try:
        host, error = convert.host(state), None
    except TopologyError as bad:
        host, error = None, str(bad)
    return FleetHost(
        state.host,
        state.nodename,
        str(state.uuid),
        host,
        nodes.of_state(state),
        up=servicegroup.API().service_is_up(service),
        disabled=service['disabled_reason'] if service['disabled'] else None,
        error=error,
    )


def as_fleet(request, found, origin, move, group, page_size):
    """Give the fleet, and what is asked about it."""
    guest = convert.guest(request)
    flavor = Flavor(
        'f',
        request.flavor.vcpus,
        request.flavor.memory_mb,
        extra_specs=dict(request.flavor.extra_specs),
        guest=guest,
        asked=Asked(),
    )
    hosts = tuple(map(fleet_host, (*found, origin)))
    rules = nodes.rules()
    if move is Move.CREATE:
        return Fleet(hosts[:-1], rules=rules), of_flavor(flavor)
    server = Server(
        request.instance_uuid,
        's',
        None,
        SOURCE,
        SOURCE,
        flavor,
        guest=guest,
        seats=tuple(Seat(0, 0, page_size) for _ in guest.cells)
        if guest
        else (),
        group=GROUP if group else None,
    )
    servers = [server]
    server_groups = ()
    if group:
        policy, members, most = group
        servers += [
            dataclasses.replace(server, uuid=uuid, host=host)
            for uuid, host in members.items()
            if uuid != server.uuid
        ]
        server_groups = (
            ServerGroup(GROUP, 'g', policy, frozenset(members), most),
        )
    fleet = Fleet(hosts, tuple(servers), groups=server_groups, rules=rules)
    return fleet, of_server(server, move)


def prepare(monkeypatch, request, found, origin, move, group, page_size):
    """Have Nova's objects say the same."""
    if move is Move.CREATE:
        return
    request.ignore_hosts = [SOURCE]
    request.requested_destination = objects.Destination(
        cell=objects.CellMapping(uuid=request.instance_uuid)
    )
    topology = request.numa_topology and request.numa_topology.obj_clone()
    if topology:
        topology.cells[0].pagesize = page_size
    instance = objects.Instance(
        uuid=request.instance_uuid,
        host=SOURCE,
        task_state=task_states.MIGRATING
        if move is Move.LIVE
        else task_states.RESIZE_PREP,
        numa_topology=topology,
        vcpu_model=None,
    )
    monkeypatch.setattr(source, 'instance', lambda *args: instance)
    node = types.SimpleNamespace(
        hypervisor_type=origin.hypervisor_type,
        hypervisor_version=origin.hypervisor_version,
        cpu_info=origin.cpu_info,
    )
    monkeypatch.setattr(destination, '_source_node', lambda *args: node)
    if group:
        policy, members, most = group
        request.instance_group = objects.InstanceGroup(
            uuid=request.instance_uuid,
            policy=policy,
            policies=[policy],
            members=list(members),
            hosts=sorted(set(members.values())),
            rules={'max_server_per_host': most},
        )
        for state in found:
            state.instances = {
                uuid: None
                for uuid, host in members.items()
                if host == state.host
            }


def scheduled(request, found):
    """Give the host states that are left, and their weights by host."""
    choices = underway.Choices()
    demand = Demand(LearnedMix())
    left = found
    for each in (
        ComputeFilter(),
        affinity_filter.ServerGroupAntiAffinityFilter(),
        affinity_filter.ServerGroupAffinityFilter(),
        NUMAFitFilter(demand, choices),
        MigrationDestinationFilter(),
    ):
        left = list(each.filter_all(left, request))
    weigher = NUMAFitWeigher(demand, Memory(), choices)
    weights = weigher.weigh_objects(
        [WeighedHost(state, 0.0) for state in left], request
    )
    return {
        state.host: weight for state, weight in zip(left, weights, strict=True)
    }


@given(situations())
def test_explain_and_rank_say_what_the_scheduler_does(told):
    with pytest.MonkeyPatch.context() as patched:
        fleet, asked = as_fleet(*told)
        prepare(patched, *told)
        expected = scheduled(told[0], told[1])
    explanation = explain(fleet, asked)
    assert {each.host.name for each in explanation.passing} == set(expected)
    for verdict in explanation.verdicts:
        assert verdict.passes or all(
            refusal.text and refusal.summary for refusal in verdict.refusals
        )
    places = rank(fleet, explanation, plugins.strategy('fragmentation')(START))
    assert {each.host.name: each.weight for each in places} == expected
