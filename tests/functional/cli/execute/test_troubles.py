"""Troubles while a plan is carried out, and who ends it."""

import contextlib
import os
import signal
import subprocess
import threading
import time

import pytest
import webob

from numa_sched.cli import carrying
from tests import amount
from tests.functional.cli.execute.carried import (
    boot,
    fates,
    flavor,
    migrations,
    others_of,
    started,
    statuses,
    targets,
)


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
    """Have something done once the first server has moved.

    Nova looks at all servers of its hosts before that is over, and takes
    what is done with one of them meanwhile for something else.
    """

    def act(request):
        if request.method == 'GET' and len(cloud.moves.made) == 1:
            api.before = None
            moved = cloud.moves.made[0].server
            cloud.wait_for_migration({'id': moved})
            do(moved)

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
        # From outside, as a user does: it is nobody's here who asks for it.
        subprocess.run(['kill', f'-{number}', str(os.getpid())], check=True)
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


# With eventlet the second one would end whatever greenlet runs.
@pytest.mark.newest
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
