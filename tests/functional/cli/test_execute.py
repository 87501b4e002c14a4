"""Plans carried out through the API of a real cloud, and troubles on the way.

The command runs here, with openstacksdk, against the API over HTTP.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from unittest import mock

import pytest
import webob
from nova.virt.libvirt.driver import LibvirtDriver

from numa_sched.carry import Patience
from numa_sched.cli import carrying
from tests import amount
from tests.cloud import asking, loopback, machines
from tests.functional.cli.test_commands import PROGRAM

QUICK = Patience(between=0.1, nothing=8.0, silence=30.0)


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    machines.add_three(cloud)


@pytest.fixture(scope='module')
def api(cloud):
    """The API over HTTP."""
    with loopback.of_cloud(cloud) as running:
        yield running


@pytest.fixture
def journal(tmp_path):
    return tmp_path / 'journal'


@pytest.fixture(autouse=True)
def _true(cloud, api, journal, monkeypatch):
    """Have the environment name the cloud, as an operator's does.

    In the end no server is in error, and the journal tells what Nova does.
    """
    for name, value in api.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(carrying, 'PATIENCE', QUICK)
    api.asked.clear()
    yield
    api.before = None
    servers = cloud.api.get_servers()
    assert 'ERROR' not in {each['status'] for each in servers}
    there = {each['id'] for each in servers}
    told = [each for each in moves_told(journal) if each[0] in there]
    assert sorted(told) == sorted(moves_made(cloud, there))


def moves_told(journal):
    """Give server, source and destination of what a journal says is done."""
    steps = {}
    for line in journal.read_text().splitlines():
        entry = json.loads(line)
        if entry['event'] == 'plan':
            steps = {
                step['number']: (
                    *(step['uuid'], step['source'], step['destination']),
                )
                for wave in entry['waves']
                for step in wave
            }
        elif entry.get('fate') == 'done':
            yield steps[entry['step']]


def moves_made(cloud, servers):
    """Give server, source and destination of migrations that are over."""
    for each in cloud.api.api_get('/os-migrations').body['migrations']:
        if (
            each['instance_uuid'] in servers
            and each['migration_type'] in ('live-migration', 'migration')
            and each['status'] in ('completed', 'confirmed')
        ):
            yield (
                each['instance_uuid'],
                each['source_compute'],
                each['dest_compute'],
            )


@pytest.fixture
def run(capsys, journal):
    """Have a command carried out; gives its status, and what is told."""

    def run(*arguments, resume=False):
        where = '--resume' if resume else '--journal'
        capsys.readouterr()
        status, told = asking.ask(
            *arguments, '--execute', '--yes', where, str(journal)
        )
        return status, told + capsys.readouterr().err

    return run


@pytest.fixture
def entries(journal):
    """Give what a journal tells, its lines without time."""

    def read():
        lines = list(map(json.loads, journal.read_text().splitlines()))
        assert all(line.pop('at') for line in lines)
        return lines

    return read


def flavor(cloud, vcpus, **more):
    return cloud.add_flavor(
        vcpus=vcpus, ram=1024, hw__cpu_policy='dedicated', **more
    )


def name_of(cloud, flavor):
    return cloud.api.get_flavor(flavor)['name']


def boot(cloud, *hosts, vcpus=6):
    made = flavor(cloud, vcpus)
    return [cloud.boot(made, host=host) for host in hosts]


def statuses(cloud, servers):
    return {cloud.api.get_server(each['id'])['status'] for each in servers}


def started(entries):
    return [each['server'] for each in entries if each['event'] == 'start']


def fates(entries):
    return [each['fate'] for each in entries if each['event'] == 'end']


def test_a_host_is_emptied(cloud, run, entries):
    servers = boot(cloud, 'half', 'half')
    status, told = run('drain', 'half')
    assert status == 0, told
    assert {cloud.host_of(each) for each in servers} <= {'big', 'odd'}
    assert statuses(cloud, servers) == {'ACTIVE'}
    assert '2 migrations done.' in told
    written = entries()
    assert [each['event'] for each in written][:2] == ['begin', 'plan']
    assert written[0]['goal'] == {'command': 'drain', 'hosts': ['half']}
    assert sorted(started(written)) == sorted(each['id'] for each in servers)
    assert fates(written) == ['done', 'done']
    assert written[-1] == {'event': 'over', 'why': ''}


def test_room_is_made(cloud, run, entries):
    boot(cloud, 'half', 'odd', 'big', 'big')
    wanted = flavor(cloud, 16)
    asked = ('make-room', '--flavor', name_of(cloud, wanted))
    status, told = run(*asked)
    assert status == 0, told
    assert fates(entries()) == ['done']
    cloud._run_periodics()
    cloud.boot(wanted)


def test_room_is_kept(cloud, run, entries):
    boot(cloud, 'half', 'odd', 'big', 'big')
    wanted = flavor(cloud, 16)
    status, told = run('keep-room', f'--want={name_of(cloud, wanted)}=1')
    assert status == 0, told
    assert fates(entries()) == ['done']
    cloud._run_periodics()
    cloud.boot(wanted)


def test_a_cold_migration_is_confirmed(cloud, run, entries):
    (server,) = boot(cloud, 'half')
    cloud.api.post_server_action(server['id'], {'os-stop': None})
    cloud.wait_for(server, 'SHUTOFF')
    with mock.patch.object(
        LibvirtDriver, 'migrate_disk_and_power_off', return_value='{}'
    ):
        status, told = run('drain', 'half', '--cold')
    assert status == 0, told
    assert cloud.api.get_server(server['id'])['status'] == 'SHUTOFF'
    assert cloud.host_of(server) != 'half'
    assert fates(entries()) == ['done']


def others_of(cloud, *hosts):
    """Give the hosts that are none of these."""
    return set(cloud.computes) - set(hosts)


def migrations(request):
    """Whether a request asks for a migration."""
    return request.method == 'POST' and b'igrate' in request.body


def test_where_a_destination_refuses_the_server_goes_elsewhere(
    cloud, run, entries
):
    (server,) = boot(cloud, 'odd')
    with contextlib.ExitStack() as refusing:
        (target,) = targets(cloud, run, 'odd')
        refusing.enter_context(cloud.refusing_migrations_to(target))
        status, told = run('drain', 'odd')
    assert status == 0, told
    (other,) = others_of(cloud, 'odd', target)
    assert cloud.host_of(server) == other
    written = entries()
    assert fates(written) == ['failed', 'done']
    assert [each['event'] for each in written].count('plan') == 2


def targets(cloud, run, host):
    """Give where a plan would have the servers of a host go."""
    status, told = asking.ask('drain', host, '-f', 'json')
    assert status == 0
    return [row['To'] for row in json.loads(told)]


def test_a_destination_that_is_down_in_the_middle_gets_nobody(
    cloud, run, api, entries
):
    servers = boot(cloud, 'half', 'half', vcpus=4)
    first, second = targets(cloud, run, 'half')
    assert first == second

    def go_down(request):
        # The second migration is asked for once the first is done.
        if request.method == 'GET' and len(cloud.moves.made) == 1:
            api.before = None
            service = cloud.api.get_services(host=second)[0]
            cloud.api.put_service_force_down(service['id'], True)

    api.before = go_down
    try:
        status, told = run('drain', 'half')
    finally:
        service = cloud.api.get_services(host=second)[0]
        cloud.api.put_service_force_down(service['id'], False)
    assert status == 0, told
    (other,) = others_of(cloud, 'half', second)
    assert sorted(map(cloud.host_of, servers)) == sorted([first, other])
    assert fates(entries()) == ['done', 'changed', 'done']
    assert statuses(cloud, servers) == {'ACTIVE'}


def after_the_first(cloud, api, do):
    """Have something done once the first server has moved."""

    def act(request):
        if request.method == 'GET' and len(cloud.moves.made) == 1:
            api.before = None
            do(cloud.moves.made[0].server)

    api.before = act


def the_other(servers, moved):
    (other,) = {each['id'] for each in servers} - {moved}
    return other


def test_a_server_deleted_in_the_middle_is_left_out(cloud, run, api, entries):
    servers = boot(cloud, 'half', 'half')

    def delete(moved):
        other = the_other(servers, moved)
        cloud.api.delete_server(other)
        cloud.wait_until_gone(other)

    after_the_first(cloud, api, delete)
    status, told = run('drain', 'half')
    assert status == 0, told
    assert fates(entries()) == ['done', 'gone']


def test_a_server_resized_in_the_middle_is_left_to_its_owner(
    cloud, run, api, entries, option
):
    servers = boot(cloud, 'half', 'half')
    smaller = flavor(cloud, 2)
    resized = []

    def resize(moved):
        resized.append({'id': the_other(servers, moved)})
        cloud.resize(resized[0], smaller)

    option('allow_resize_to_same_host', True, group=None)
    after_the_first(cloud, api, resize)
    run('drain', 'half')
    written = entries()
    assert fates(written) == ['done', 'changed']
    assert resized[0]['id'] not in started(written)
    cloud.confirm(resized[0])
    assert statuses(cloud, servers) == {'ACTIVE'}


def test_where_another_fills_the_slot_the_server_goes_elsewhere(
    cloud, run, api, entries
):
    servers = boot(cloud, 'odd', vcpus=10)
    (target,) = targets(cloud, run, 'odd')

    filler = flavor(cloud, 8)

    def fill_up(request):
        if migrations(request):
            api.before = None
            for _ in range(2 if target == 'half' else 4):
                cloud.boot(filler, host=target)

    api.before = fill_up
    status, told = run('drain', 'odd')
    assert status == 0, told
    (other,) = others_of(cloud, 'odd', target)
    assert cloud.host_of(servers[0]) == other
    assert fates(entries()) == ['failed', 'done']
    assert 'No valid host' in told


@pytest.mark.parametrize('error', amount.each([500, 409], [500]))
def test_an_api_that_errs_once_is_asked_again_after_a_look(
    cloud, run, api, entries, error
):
    (server,) = boot(cloud, 'half')

    def err(request):
        if migrations(request):
            api.before = None
            return webob.Response(
                status=error, json_body={'fault': {'message': 'no luck'}}
            )

    api.before = err
    status, told = run('drain', 'half')
    assert status == 0, told
    assert cloud.host_of(server) != 'half'
    assert fates(entries()) == ['refused', 'done']
    assert 'no luck' in told


def test_an_api_that_errs_though_it_has_done_it_is_not_asked_again(
    cloud, run, api, entries
):
    boot(cloud, 'half')

    def err(request):
        if migrations(request):
            api.before = None
            request.get_response(api._answer)
            return webob.Response(status=504, text='a proxy has no patience')

    api.before = err
    status, told = run('drain', 'half')
    assert status == 0, told
    assert fates(entries()) == ['done']
    assert len(cloud.moves.made) == 1


def test_a_step_that_fails_stops_its_wave_and_the_rest_goes_on_later(
    cloud, run, api, entries
):
    servers = boot(cloud, 'half', 'half')

    def refuse(request):
        if migrations(request):
            return webob.Response(
                status=500, json_body={'fault': {'message': 'no luck'}}
            )

    api.before = refuse
    status, told = run('drain', 'half', '--replans=0', '--per-host=2')
    assert status == 4
    assert (
        'It has ended early: things were not as planned, and no more' in told
    )
    assert len(started(entries())) == 1
    assert set(map(cloud.host_of, servers)) == {'half'}
    api.before = None
    status, told = run('drain', 'half', '--per-host=2', resume=True)
    assert status == 0, told
    assert 'half' not in set(map(cloud.host_of, servers))
    assert statuses(cloud, servers) == {'ACTIVE'}


def test_who_may_not_migrate_is_told_so_at_once(cloud, run, api, entries):
    (server,) = boot(cloud, 'half')

    def forbid(request):
        if migrations(request):
            return webob.Response(
                status=403, json_body={'forbidden': {'message': 'Policy'}}
            )

    api.before = forbid
    status, told = run('drain', 'half')
    assert status == 4
    assert 'It has ended early: the cloud does not allow it.' in told
    assert fates(entries()) == ['forbidden']
    assert cloud.host_of(server) == 'half'


@pytest.fixture
def send(monkeypatch):
    """Give what sends a signal to this process, and waits until it is taken.

    Python takes the second of two for the same one while the first waits.
    """
    taken = threading.Semaphore(0)
    take = carrying.Stopping.take

    def counted(self, number, frame):
        try:
            take(self, number, frame)
        finally:
            taken.release()

    def send(number):
        os.kill(os.getpid(), number)
        assert taken.acquire(timeout=60)

    monkeypatch.setattr(carrying.Stopping, 'take', counted)
    return send


def test_an_interrupt_lets_what_is_under_way_finish_and_it_goes_on_later(
    cloud, run, api, entries, send
):
    servers = boot(cloud, 'half', 'half')
    held = [cloud.moves.hold(each['id']) for each in servers]

    def interrupt():
        while not any(each.began.is_set() for each in held):
            time.sleep(0.05)
        send(signal.SIGINT)
        for each in servers:
            cloud.moves.let_go(each['id'])

    thread = threading.Thread(target=interrupt)
    thread.start()
    status, told = run('drain', 'half')
    thread.join()
    assert status == 130
    assert fates(entries()) == ['done']
    assert 'left: ' in told
    assert sorted(map(cloud.host_of, servers)).count('half') == 1
    status, told = run('drain', 'half', resume=True)
    assert status == 0, told
    assert fates(entries()) == ['done', 'done']
    assert 'half' not in set(map(cloud.host_of, servers))


def test_what_nobody_has_waited_for_is_settled_when_it_goes_on(
    cloud, run, api, entries, send
):
    servers = boot(cloud, 'half', 'half')
    held = {each['id']: cloud.moves.hold(each['id']) for each in servers}

    def interrupt_twice():
        while not any(each.began.is_set() for each in held.values()):
            time.sleep(0.05)
        for _ in range(2):
            send(signal.SIGINT)

    thread = threading.Thread(target=interrupt_twice)
    thread.start()
    status, told = run('drain', 'half')
    thread.join()
    assert status == 130
    assert 'may be under way: ' in told
    assert fates(entries()) == []
    for each in held:
        cloud.moves.let_go(each)
    status, told = run('drain', 'half', resume=True)
    assert status == 0, told
    assert fates(entries()) == ['done', 'done']
    assert len(started(entries())) == len(cloud.moves.made) == 2


def test_no_step_is_ever_forced(cloud, run, api):
    boot(cloud, 'half')
    bodies = []

    def keep(request):
        if migrations(request):
            bodies.append((json.loads(request.body), dict(request.headers)))

    api.before = keep
    assert run('drain', 'half')[0] == 0
    ((body, headers),) = bodies
    assert set(body['os-migrateLive']) == {'host', 'block_migration'}
    assert headers['Openstack-Api-Version'] == 'compute 2.68'


def test_room_is_watched_until_somebody_ends_it(cloud, run, entries):
    boot(cloud, 'half', 'odd', 'big', 'big')
    wanted = flavor(cloud, 16)

    def end():
        while not (cloud.moves.made and 'over' in events()):
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)

    def events():
        return [each['event'] for each in entries()]

    thread = threading.Thread(target=end)
    thread.start()
    status, told = run(
        *('keep-room', f'--want={name_of(cloud, wanted)}=1', '--watch=1'),
        '--hourly=1',
    )
    thread.join()
    assert status == 143
    assert fates(entries()) == ['done']
    assert 'room for 0 of 1 server' in told


def test_a_process_carries_out_the_plan_of_a_snapshot(
    cloud, api, journal, tmp_path
):
    (server,) = boot(cloud, 'half')
    path = tmp_path / 'fleet.json'
    assert asking.ask('snapshot', str(path))[0] == 0
    clouds = {
        'clouds': {
            'here': {
                'auth': {
                    'auth_url': f'{api.url}/identity/v3',
                    'username': 'admin',
                    'password': 'secret',
                    'project_name': 'admin',
                    'user_domain_id': 'default',
                    'project_domain_id': 'default',
                },
                'region_name': 'RegionOne',
            }
        }
    }
    # YAML has JSON in it.
    (tmp_path / 'clouds.yaml').write_text(json.dumps(clouds))
    command = [
        *(PROGRAM, 'drain', 'half', '--snapshot', path, '--execute'),
        *('--os-cloud', 'here', '--journal', journal),
    ]
    how = {
        'capture_output': True,
        'text': True,
        'cwd': tmp_path,
        'env': {'PATH': os.environ['PATH']},
        'stdin': subprocess.DEVNULL,
    }
    refused = subprocess.run(command, **how)
    assert (refused.returncode, refused.stdout) == (1, '')
    assert refused.stderr.count('\n') == 1
    ended = subprocess.run([*command, '--yes'], **how)
    assert ended.returncode == 0, ended.stderr
    assert '1 migration done.' in ended.stderr
    assert cloud.host_of(server) != 'half'
