"""A host that has refused one live migration is not the first for the next."""

import types
import uuid

import pytest
from nova import objects

from numa_sched.history.refusals import MAX_HOSTS_OF_PROJECT
from numa_sched.nova.scheduler import refusals
from tests.cloud import machines

HALF_LIFE = 300.0


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    """Hosts with 8, 12 and 24 CPUs: for packing, each better than the next.

    Servers that are gone before they were seen to arrive do not count.
    """
    cloud.flags(claim_seconds=0, group='numa_sched')
    for name, cpus in (('tight', 8), ('middle', 12), ('roomy', 24)):
        cloud.add_host(name, machines.symmetric(2, cpus))


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    now = types.SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(
        refusals.of_this_process(), 'clock', lambda: now.seconds
    )
    return now


def pinned(cloud):
    flavor = cloud.add_flavor(vcpus=4, hw__cpu_policy='dedicated')
    return cloud.boot(flavor, host='roomy')


def hosts_tried(cloud):
    """Give the first host of each ranking."""
    return [ranking[0][0] for ranking in cloud.rankings]


def debug_lines(cloud, logger):
    return [
        record.getMessage()
        for record in cloud.log
        if record.name == f'numa_sched.nova.scheduler.{logger}'
        and record.levelname == 'DEBUG'
    ]


def delete(cloud, server):
    cloud.api.delete_server(server['id'])
    cloud.wait_until_gone(server['id'])
    cloud._run_periodics()


def test_the_next_server_tries_another_host_until_trust_is_back(cloud, clock):
    """By fit, 4 of 8 CPUs on tight (0.5) are better than 4 of 12 (0.333)."""
    first, second, third = (pinned(cloud) for _ in range(3))
    cloud.forget()
    with cloud.refusing_migrations_to('tight'):
        assert cloud.live_migrate(first) == 'middle'
    assert hosts_tried(cloud) == ['tight', 'middle']
    delete(cloud, first)
    cloud.forget()
    assert cloud.live_migrate(second) == 'middle'
    assert hosts_tried(cloud) == ['middle']
    delete(cloud, second)
    clock.seconds += HALF_LIFE  # three quarters of 0.5
    cloud.forget()
    assert cloud.live_migrate(third) == 'tight'
    assert hosts_tried(cloud) == ['tight']


def test_the_log_names_the_refusal_and_the_penalty(cloud, clock):
    first, second = pinned(cloud), pinned(cloud)
    with cloud.refusing_migrations_to('tight'):
        cloud.live_migrate(first)
    assert debug_lines(cloud, 'refusals') == [
        f'Host tight has refused server {first["id"]}, and is trusted less '
        f'for a while'
    ]
    cloud.forget()
    cloud.live_migrate(second)
    (line,) = [
        line
        for line in debug_lines(cloud, 'weighers')
        if line.startswith('Host tight, ')
    ]
    assert line.endswith(
        'score 0.250 (0.500 by fit, less 50% as the host has refused a live '
        'migration)'
    )


def test_a_refusal_counts_even_if_no_other_host_is_left(cloud, clock):
    """The weighers are not asked any more after the last refusal."""
    server = pinned(cloud)
    with (
        cloud.refusing_migrations_to('tight'),
        cloud.refusing_migrations_to('middle'),
    ):
        assert cloud.live_migrate(server) == 'roomy'
    trust = refusals.of_this_process().trust_now()
    assert [trust(host) for host in cloud.computes] == [0.5, 0.5, 1.0]


def test_a_named_destination_that_refuses_counts(cloud, clock):
    server = pinned(cloud)
    with cloud.refusing_migrations_to('middle'):
        assert cloud.live_migrate(server, 'middle') == 'roomy'
    trust = refusals.of_this_process().trust_now()
    assert [trust(host) for host in cloud.computes] == [1.0, 0.5, 1.0]


def test_moves_that_are_not_refused_leave_all_hosts_trusted(cloud, clock):
    server = pinned(cloud)
    cloud.live_migrate(server)
    cloud.cold_migrate(server)
    cloud.confirm(server)
    cloud.live_migrate(server)
    assert hosts_tried(cloud)[1:] != []
    trust = refusals.of_this_process().trust_now()
    assert {trust(host) for host in cloud.computes} == {1.0}


def test_a_penalty_of_0_turns_the_memory_off(cloud, clock):
    cloud.flags(refusal_penalty=0.0, group='numa_sched')
    first, second = pinned(cloud), pinned(cloud)
    cloud.forget()
    with cloud.refusing_migrations_to('tight'):
        cloud.live_migrate(first)
    assert cloud.live_migrate(second) == 'tight'
    assert debug_lines(cloud, 'refusals') == []
    cloud.flags(refusal_penalty=0.5, group='numa_sched')
    assert refusals.of_this_process().trust_now()('tight') == 1.0


def test_refusals_of_one_project_count_for_some_hosts_only():
    """The project of a request is that of its server."""
    memory = refusals.Memory(lambda: 0.0)
    hosts = [f'host {number}' for number in range(30)]
    uuids = {host: str(uuid.uuid4()) for host in hosts}
    for host in hosts:
        for ignored in ['source'], ['source', host]:
            spec = objects.RequestSpec(
                instance_uuid=uuids[host], project_id='p', ignore_hosts=ignored
            )
            memory.note(None, spec)
    trust = memory.trust_now()
    assert [trust(host) for host in hosts].count(0.5) == MAX_HOSTS_OF_PROJECT
