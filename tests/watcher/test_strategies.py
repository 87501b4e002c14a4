"""Plans made by Watcher's decision engine, and carried out by its applier.

Watcher runs in a process of its own, and has the servers of a real cloud move
by its API.
"""

import contextlib
import itertools
from unittest import mock

import pytest
import webob
from nova.virt.libvirt.driver import LibvirtDriver

from tests.cloud import asking

pytestmark = pytest.mark.usefixtures('enable')


def flavor(cloud, vcpus, **more):
    return cloud.add_flavor(
        vcpus=vcpus, ram=1024, hw__cpu_policy='dedicated', **more
    )


def boot(cloud, *hosts, vcpus=6):
    made = flavor(cloud, vcpus)
    return [cloud.boot(made, host=host) for host in hosts]


def name_of(cloud, flavor):
    return cloud.api.get_flavor(flavor)['name']


def hosts_of(cloud, servers):
    return [cloud.host_of(each) for each in servers]


def statuses(cloud, servers):
    return {cloud.api.get_server(each['id'])['status'] for each in servers}


def service_of(cloud, host):
    (service,) = cloud.api.get_services(host=host, binary='nova-compute')
    return service['status'], service['disabled_reason']


def kinds(actions):
    return [each['action_type'] for each in actions]


def states(actions):
    return [each['state'] for each in actions]


def migrations(actions):
    return [
        each['input_parameters']
        for each in actions
        if each['action_type'] == 'migrate'
    ]


def asked(cloud):
    """Give server and host of each live migration, as hypervisors saw it."""
    return [(each.server, each.destination) for each in cloud.moves.made]


def test_a_host_is_disabled_and_emptied_wave_by_wave(cloud, engine, drain):
    servers = boot(cloud, 'half', 'half')
    audit = drain('half')
    assert audit['state'] == 'SUCCEEDED', engine.errors()
    assert audit['status_message'] == (
        'half: 2 migrations in 2 waves, 2048 MiB of memory to be copied.'
    )
    plan = engine.plan_of(audit)
    actions = engine.actions(plan)
    assert kinds(actions) == [
        *('change_nova_service_state', 'numa_gate', 'migrate'),
        *('numa_gate', 'migrate'),
    ]
    # Each waits for the one before.
    for before, after in itertools.pairwise(actions):
        assert after['parents'] == [before['uuid']]
    plan = engine.apply(plan)
    assert plan['state'] == 'SUCCEEDED', engine.errors()
    assert asked(cloud) == [
        (each['resource_id'], each['destination_node'])
        for each in migrations(actions)
    ]
    assert sorted(hosts_of(cloud, servers)) == sorted(
        each['destination_node'] for each in migrations(actions)
    )
    assert 'half' not in hosts_of(cloud, servers)
    assert statuses(cloud, servers) == {'ACTIVE'}
    assert service_of(cloud, 'half') == ('disabled', 'watcher_maintaining')


def test_the_plan_is_that_of_the_command(cloud, engine, drain, databases):
    boot(cloud, 'half', 'half', 'big')
    actions = engine.actions(engine.plan_of(drain('half', disable=False)))
    status, told = asking.ask('drain', 'half', '-f', 'value', '-c', 'UUID')
    assert status == 0
    assert [each['resource_id'] for each in migrations(actions)] == (
        told.split()
    )
    assert service_of(cloud, 'half') == ('enabled', None)


def test_how_well_a_plan_does_is_told_with_who_stays(cloud, engine, drain):
    boot(cloud, 'half')
    (locked,) = boot(cloud, 'half')
    cloud.api.post_server_action(locked['id'], {'lock': None})
    audit = drain('half', disable=False)
    plan = engine.plan_of(audit)
    assert {
        each['name']: each['value'] for each in plan['efficacy_indicators']
    } == {'leaving': 1, 'there': 2, 'migrations': 1, 'memory': 1024}
    (share,) = plan['global_efficacy']
    assert (share['value'], share['unit']) == (50.0, '%')
    (nop, *_) = engine.actions(plan)
    told = cloud.api.get_server(locked['id'])['name']
    assert nop['input_parameters'] == {
        'message': f'{told} ({locked["id"]}) stays on half: it is locked.'
    }


def test_room_is_made(cloud, engine, make_room):
    boot(cloud, 'half', 'odd', 'big', 'big')
    wanted = flavor(cloud, 16)
    audit = make_room(flavor=name_of(cloud, wanted))
    assert audit['state'] == 'SUCCEEDED', engine.errors()
    plan = engine.plan_of(audit)
    assert kinds(engine.actions(plan)) == ['migrate']
    (share,) = plan['global_efficacy']
    assert share['value'] == 100.0
    plan = engine.apply(plan)
    assert plan['state'] == 'SUCCEEDED', engine.errors()
    cloud._run_periodics()
    cloud.boot(wanted)


def test_room_is_made_for_one_more_like_a_server(cloud, engine, make_room):
    (wide,) = boot(cloud, 'big', vcpus=16)
    boot(cloud, 'half', 'odd', 'big')
    audit = make_room(like=wide['id'])
    (move,) = migrations(engine.actions(engine.plan_of(audit)))
    assert move['source_node'] in ('half', 'big')


def test_where_no_plan_exists_there_is_nothing_to_do_and_why_is_told(
    cloud, engine, make_room
):
    wanted = name_of(cloud, flavor(cloud, 16))
    audit = make_room(flavor=wanted, count=9)
    assert audit['state'] == 'SUCCEEDED'
    assert (
        f'9 new servers of flavor {wanted}: no plan exists: '
        in (audit['status_message'])
    )
    plan = engine.plan_of(audit)
    assert engine.actions(plan) == []
    (share,) = plan['global_efficacy']
    assert share['value'] == pytest.approx(100 * 3 / 9)


@contextlib.contextmanager
def held(cloud, *servers):
    """Have migrations of servers go on until the end of this."""
    waiting = {each['id']: cloud.moves.hold(each['id']) for each in servers}
    try:
        yield list(waiting.values())
    finally:
        for each in waiting:
            cloud.moves.let_go(each)


def two_that_part(cloud):
    """Give two servers of a host that can only go to different ones."""
    boot(cloud, 'big', 'big', vcpus=10)
    return [*boot(cloud, 'half', vcpus=12), *boot(cloud, 'half', vcpus=4)]


def test_the_steps_of_a_wave_go_on_at_the_same_time(cloud, engine, drain):
    servers = two_that_part(cloud)
    plan = engine.plan_of(drain('half', per_host=2))
    actions = engine.actions(plan)
    assert kinds(actions)[1:] == ['numa_gate', 'migrate', 'migrate']
    with held(cloud, *servers) as moves:
        engine.start(plan)
        for each in moves:
            assert each.began.wait(60), engine.errors()
    plan = engine.wait(f'action_plans/{plan["uuid"]}')
    assert plan['state'] == 'SUCCEEDED', engine.errors()
    assert hosts_of(cloud, servers) == ['odd', 'big']


def test_no_wave_begins_before_the_one_before_is_done(cloud, engine, drain):
    boot(cloud, 'half', 'half')
    plan = engine.plan_of(drain('half'))
    first, second = migrations(engine.actions(plan))
    with held(cloud, {'id': first['resource_id']}) as (move,):
        engine.start(plan)
        assert move.began.wait(60), engine.errors()
        *_, gate, last = engine.actions(plan)
        assert states([gate, last]) == ['PENDING', 'PENDING']
        assert cloud.host_of({'id': second['resource_id']}) == 'half'
    plan = engine.wait(f'action_plans/{plan["uuid"]}')
    assert plan['state'] == 'SUCCEEDED'


def test_after_a_step_that_fails_no_wave_begins(cloud, engine, drain):
    servers = boot(cloud, 'half', 'half')
    plan = engine.plan_of(drain('half'))
    first, _ = migrations(engine.actions(plan))
    with cloud.refusing_migrations_to(first['destination_node']):
        plan = engine.apply(plan)
    assert plan['state'] == 'CANCELLED'
    assert plan['status_message'].startswith(
        'Stopped: 1 of 1 actions before have not been done: '
    )
    assert states(engine.actions(plan)) == [
        *('SUCCEEDED', 'SUCCEEDED', 'FAILED', 'FAILED', 'CANCELLED'),
    ]
    assert set(hosts_of(cloud, servers)) == {'half'}
    assert statuses(cloud, servers) == {'ACTIVE'}
    # What is left is done by another audit.
    plan = engine.apply(engine.plan_of(drain('half')))
    assert plan['state'] == 'SUCCEEDED', engine.errors()
    assert 'half' not in hosts_of(cloud, servers)


def test_what_has_been_done_stays_done_where_the_rest_is_stopped(
    cloud, engine, drain
):
    servers = boot(cloud, 'half', 'half', 'half', vcpus=4)
    plan = engine.plan_of(drain('half'))
    first, second, _ = migrations(engine.actions(plan))
    with contextlib.ExitStack() as refusing:
        with held(cloud, {'id': first['resource_id']}) as (move,):
            engine.start(plan)
            assert move.began.wait(60), engine.errors()
            refusing.enter_context(
                cloud.refusing_migrations_to(second['destination_node'])
            )
        plan = engine.wait(f'action_plans/{plan["uuid"]}')
    assert plan['state'] == 'CANCELLED'
    assert (
        cloud.host_of({'id': first['resource_id']})
        == (first['destination_node'])
    )
    assert hosts_of(cloud, servers).count('half') == 2
    assert statuses(cloud, servers) == {'ACTIVE'}


def test_a_server_that_is_gone_hinders_no_other(cloud, engine, drain):
    servers = boot(cloud, 'half', 'half')
    plan = engine.plan_of(drain('half'))
    first, second = (
        each['resource_id'] for each in migrations(engine.actions(plan))
    )
    cloud.api.delete_server(first)
    cloud.wait_until_gone(first)
    plan = engine.apply(plan)
    assert plan['state'] == 'SUCCEEDED', engine.errors()
    assert states(engine.actions(plan))[2:] == [
        *('SKIPPED', 'SUCCEEDED', 'SUCCEEDED'),
    ]
    (left,) = (each for each in servers if each['id'] == second)
    assert cloud.host_of(left) != 'half'


def test_where_nobody_can_tell_whether_a_server_is_gone_the_plan_stops(
    cloud, api, engine, drain
):
    boot(cloud, 'half', 'half')
    plan = engine.plan_of(drain('half'))
    first, second = (
        each['resource_id'] for each in migrations(engine.actions(plan))
    )
    cloud.api.delete_server(first)
    cloud.wait_until_gone(first)
    looks = []

    def err(request):
        # The action looks, and is skipped; then the gate does.
        if request.path.endswith(f'/servers/{first}'):
            looks.append(request)
            if len(looks) > 1:
                return webob.Response(status=500)

    api.before = err
    try:
        plan = engine.apply(plan)
    finally:
        api.before = None
    assert plan['state'] == 'CANCELLED'
    assert cloud.host_of({'id': second}) == 'half'


def test_a_server_that_has_gone_elsewhere_stops_the_plan(cloud, engine, drain):
    boot(cloud, 'half', 'half')
    plan = engine.plan_of(drain('half'))
    first, second = migrations(engine.actions(plan))
    (elsewhere,) = {'big', 'odd'} - {first['destination_node']}
    cloud.live_migrate({'id': first['resource_id']}, elsewhere)
    plan = engine.apply(plan)
    assert plan['state'] == 'CANCELLED'
    assert cloud.host_of({'id': first['resource_id']}) == elsewhere
    assert cloud.host_of({'id': second['resource_id']}) == 'half'


def test_a_server_that_is_stopped_is_moved_if_it_may_be(cloud, engine, drain):
    (server,) = boot(cloud, 'half')
    cloud.api.post_server_action(server['id'], {'os-stop': None})
    cloud.wait_for(server, 'SHUTOFF')
    assert migrations(engine.actions(engine.plan_of(drain('half')))) == []
    plan = engine.plan_of(drain('half', cold=True))
    with mock.patch.object(
        LibvirtDriver, 'migrate_disk_and_power_off', return_value='{}'
    ):
        plan = engine.apply(plan)
    assert plan['state'] == 'SUCCEEDED', engine.errors()
    assert cloud.api.get_server(server['id'])['status'] == 'SHUTOFF'
    assert cloud.host_of(server) != 'half'


def test_a_server_that_is_paused_stays_as_watcher_moves_none(
    cloud, engine, drain
):
    (server,) = boot(cloud, 'half')
    cloud.api.post_server_action(server['id'], {'pause': None})
    cloud.wait_for(server, 'PAUSED')
    actions = engine.actions(engine.plan_of(drain('half', disable=False)))
    assert kinds(actions) == ['nop']
    assert actions[0]['input_parameters']['message'].endswith(
        ': it is paused.'
    )


def test_a_server_that_is_to_stay_does(cloud, engine, drain):
    servers = boot(cloud, 'half', 'half')
    plan = engine.plan_of(drain('half', pin=[servers[0]['id']]))
    (move,) = migrations(engine.actions(plan))
    assert move['resource_id'] == servers[1]['id']


def test_a_service_that_is_disabled_already_is_left_as_it_is(
    cloud, engine, drain
):
    boot(cloud, 'half')
    service = cloud.api.get_services(host='half', binary='nova-compute')[0]
    cloud.api.put_service(
        service['id'], {'status': 'disabled', 'disabled_reason': 'mine'}
    )
    plan = engine.plan_of(drain('half'))
    assert kinds(engine.actions(plan)) == ['migrate']
    assert engine.apply(plan)['state'] == 'SUCCEEDED'
    assert service_of(cloud, 'half') == ('disabled', 'mine')


def test_a_plan_can_be_made_of_a_snapshot(cloud, engine, drain, tmp_path):
    boot(cloud, 'half')
    path = tmp_path / 'fleet.json'
    assert asking.ask('snapshot', str(path))[0] == 0
    plan = engine.plan_of(drain('half', snapshot=str(path)))
    assert len(migrations(engine.actions(plan))) == 1
    audit = drain('half', snapshot=f'{path}.not')
    assert (audit['state'], audit['status_message']) == (
        'FAILED',
        f'{path}.not: No such file or directory',
    )


DRAIN = ('numa_empty_hosts', 'numa_drain')
ROOM = ('numa_room', 'numa_make_room')


@pytest.mark.parametrize(
    ('names', 'parameters'),
    [
        (DRAIN, {}),
        (DRAIN, {'hosts': []}),
        (DRAIN, {'hosts': 'half'}),
        (DRAIN, {'hosts': ['half'], 'per_host': 0}),
        (DRAIN, {'hosts': ['half'], 'unknown': 1}),
        (ROOM, {}),
        (ROOM, {'flavor': 'm1', 'like': 'web'}),
    ],
    ids=[
        *('no parameter', 'no host', 'no list', 'no server at once'),
        *('unknown', 'neither flavor nor server', 'both'),
    ],
)
def test_bad_parameters_are_refused_by_the_api(engine, names, parameters):
    goal, strategy = names
    answer = engine.post(
        'audits',
        goal=goal,
        strategy=strategy,
        parameters=parameters,
        audit_type='ONESHOT',
    )
    assert answer.status_code == 400
    assert 'arameter' in answer.text


def test_what_is_not_there_is_told_with_the_audit(drain):
    audit = drain('nowhere')
    assert audit['state'] == 'FAILED'
    assert audit['status_message'] == 'there is no host nowhere'


def test_a_scope_is_not_taken_for_heeded(engine):
    template = engine.post(
        'audit_templates',
        name='scoped',
        goal='numa_empty_hosts',
        strategy='numa_drain',
        scope=[{'compute': [{'availability_zones': [{'name': 'nova'}]}]}],
    )
    audit = engine.audit(
        audit_template_uuid=template.json()['uuid'],
        parameters={'hosts': ['half']},
    )
    assert audit['state'] == 'FAILED'
    assert 'heeds no scope' in audit['status_message']
