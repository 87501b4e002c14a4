"""Migrations that users, timeouts or aborts bring to an end."""

import itertools

import pytest
from nova.tests.fixtures import libvirt as fakelibvirt

from tests import amount
from tests.functional.compute.migrating import (
    FAILED,
    STOCK_DRIVER,
    boot,
    complete,
    eventually,
    path_of_migration,
    pause,
    permit,
    restarted,
    time_out,
    under_way,
    wait_until,
)

# What a hypervisor does when a migration is to be completed, by the wishes
# of the server and the permits of the host.
COMPLETED = {
    'post-copy wanted': ((None, True), (False, False), 'post-copy'),
    'post-copy permitted': ((None, None), (True, True), 'post-copy'),
    'post-copy not wanted': ((None, False), (True, True), 'suspend'),
    'auto-converge wanted': ((True, None), (True, True), 'suspend'),
    'neither': ((None, None), (False, False), 'suspend'),
}


@pytest.mark.parametrize(
    ('by', 'case'),
    amount.each(
        itertools.product(['user', 'timeout'], COMPLETED),
        [
            *(('user', case) for case in COMPLETED),
            ('timeout', 'post-copy wanted'),
            ('timeout', 'post-copy not wanted'),
        ],
    ),
)
def test_completing_switches_where_post_copy_is_on_and_pauses_elsewhere(
    cloud, by, case
):
    pair, permitted, told = COMPLETED[case]
    permit(cloud, *permitted)
    server = boot(cloud, *pair)
    with under_way(cloud, server) as held:
        if by == 'user':
            complete(cloud, server)
        else:
            time_out(cloud)
        status = 'running (post-copy)' if told == 'post-copy' else 'running'
        eventually(lambda: told in held.move.told)
        wait_until(cloud, server, status)
    assert cloud.wait_for_migration(server)['status'] == 'completed'
    assert set(held.move.told) == {told}
    cloud.wait_for(server, 'ACTIVE')


def test_a_server_that_was_paused_to_complete_a_move_that_fails_runs_again(
    cloud,
):
    server = boot(cloud, None, False)
    with under_way(cloud, server, fails=True) as held:
        complete(cloud, server)
        eventually(lambda: 'suspend' in held.move.told)
    assert cloud.wait_for_migration(server)['status'] in FAILED
    assert held.move.told[:2] == ['suspend', 'resume']


def test_a_move_with_post_copy_may_be_aborted(cloud):
    server = boot(cloud, None, True)
    source = cloud.host_of(server)
    with under_way(cloud, server) as held:
        cloud.api.api_delete(path_of_migration(cloud, server))
        eventually(lambda: 'abort' in held.move.told)
    cloud.wait_for_migration(server)
    assert cloud.host_of(server) == source
    assert 'post-copy' not in held.move.told


def test_a_move_that_has_switched_to_post_copy_is_not_aborted(cloud):
    server = boot(cloud, None, True)
    with under_way(cloud, server) as held:
        complete(cloud, server)
        wait_until(cloud, server, 'running (post-copy)')
        answer = cloud.api.api_delete(
            path_of_migration(cloud, server), check_response_status=[400]
        )
        assert 'running (post-copy)' in str(answer.body)
    assert cloud.wait_for_migration(server)['status'] == 'completed'
    assert held.move.told == ['post-copy']


def test_a_timeout_leaves_a_paused_server_alone(cloud):
    permit(cloud, True, True)
    server = boot(cloud, None, True)
    pause(cloud, server)
    with under_way(cloud, server) as held:
        time_out(cloud)
        # What a timeout asks for is done when it is looked at next.
        eventually(lambda: text_of(cloud).count('not completed') > 3)
    assert cloud.wait_for_migration(server)['status'] == 'completed'
    assert held.move.told == []
    cloud.wait_for(server, 'PAUSED')


def text_of(cloud):
    return '\n'.join(record.getMessage() for record in cloud.log)


@pytest.mark.long
def test_with_nova_s_driver_the_monitor_switches_a_paused_server(
    cloud,
):
    server = boot(cloud)
    pause(cloud, server)
    with restarted(
        cloud,
        driver=STOCK_DRIVER,
        live_migration_permit_post_copy=True,
    ):
        with under_way(cloud, server) as held:
            time_out(cloud)
            eventually(lambda: 'post-copy' in held.move.told)
        cloud.wait_for_migration(server)
    assert not held.move.has('POSTCOPY')


@pytest.mark.long
def test_with_nova_s_driver_a_timeout_has_a_paused_server_run(
    cloud,
):
    server = boot(cloud)
    pause(cloud, server)
    with restarted(cloud, driver=STOCK_DRIVER):
        with under_way(cloud, server, fails=True) as held:
            time_out(cloud)
            eventually(lambda: 'suspend' in held.move.told)
        cloud.wait_for_migration(server)
    assert 'resume' in held.move.told


@pytest.mark.long
def test_with_nova_s_driver_an_aborted_move_leaves_the_server_in_error(cloud):
    server = boot(cloud)
    with restarted(cloud, driver=STOCK_DRIVER):
        source = cloud.host_of(server)
        with under_way(cloud, server) as held:
            cloud.api.api_delete(path_of_migration(cloud, server))
            eventually(lambda: 'abort' in held.move.told)
        wait_until(cloud, server, 'error')
        eventually(
            lambda: cloud.api.get_server(server['id'])['status'] == 'ERROR'
        )
    connection = cloud.connection(source)
    domain = connection.lookupByUUIDString(server['id'])
    assert domain._state == fakelibvirt.VIR_DOMAIN_RUNNING
