"""Plans carried out through the API of a real cloud."""

import json
import os
import signal
import subprocess
import threading
import time
from unittest import mock

from nova.virt.libvirt.driver import LibvirtDriver

from tests.cloud import asking
from tests.functional.cli.execute.carried import (
    boot,
    fates,
    flavor,
    migrations,
    name_of,
    started,
    statuses,
)
from tests.functional.cli.test_commands import PROGRAM


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
