"""What the checks make of the hosts."""

import pytest
from oslo_upgradecheck.upgradecheck import Code

from numa_sched import policy
from numa_sched.nova.status import hosts
from numa_sched.nova.status.findings import some

AC, PC = (wish.trait for wish in policy.WISHES)


def computes(*names, libvirt=True):
    return [hosts.Compute(name, f'uuid-{name}', libvirt) for name in names]


def having(auto_converge=(), post_copy=()):
    return {
        AC: {f'uuid-{name}' for name in auto_converge},
        PC: {f'uuid-{name}' for name in post_copy},
    }


@pytest.mark.parametrize('check', [hosts.traits, hosts.drivers])
def test_hosts_that_all_report_both_traits_are_fine(check):
    found = check(computes('a', 'b'), having('ab', 'ab'))
    assert found.code is Code.SUCCESS


@pytest.mark.parametrize('check', [hosts.traits, hosts.drivers])
def test_hosts_of_other_hypervisors_do_not_count(check):
    cloud = computes('a') + computes('b', libvirt=False)
    assert check(cloud, having('a', 'a')).code is Code.SUCCESS


@pytest.mark.parametrize('check', [hosts.traits, hosts.drivers])
def test_no_host_at_all_is_warned_of(check):
    assert check(computes('a', libvirt=False), having()).code is Code.WARNING


def test_a_host_without_a_trait_is_named_and_what_to_do():
    found = hosts.traits(computes('a', 'b'), having('ab', 'a'))
    assert found.code is Code.WARNING
    assert found.details.startswith(
        '1 of 2 hosts with libvirt is without COMPUTE_MIGRATE_POST_COPY (b): '
    )
    assert 'openstack numa host set --post-copy' in found.details
    assert AC not in found.details


def test_a_trait_that_no_host_has_is_a_failure():
    found = hosts.traits(computes('a', 'b'), having('ab'))
    assert found.code is Code.FAILURE


def test_a_half_done_roll_out_names_who_is_left():
    found = hosts.drivers(computes('a', 'b', 'c'), having('ab', 'a'))
    assert found.code is Code.WARNING
    assert found.details.startswith('The roll-out is half done: 2 of 3')
    assert '(b, c)' in found.details


def test_a_roll_out_that_has_not_begun_is_another_thing():
    found = hosts.drivers(computes('a', 'b'), having('ab'))
    assert found.code is Code.WARNING
    assert 'No host' in found.details


@pytest.mark.parametrize(
    ('versions', 'code'),
    [
        ({'a': 74, 'b': 74}, Code.SUCCESS),
        ({'a': 75, 'b': 74}, Code.SUCCESS),
        ({'a': 74, 'b': 72}, Code.WARNING),
        ({'a': 74, 'b': 39}, Code.FAILURE),
        ({}, Code.WARNING),
    ],
)
def test_services_are_as_new_as_the_nova_here(versions, code):
    found = hosts.services(versions, 74)
    assert found.code is code
    if code and versions:
        assert ' b: ' in found.details


def test_the_service_version_is_the_one_that_nova_asks_for():
    from nova.conductor.tasks.live_migrate import LiveMigrationTask

    code = LiveMigrationTask._check_instance_has_no_numa.__code__
    assert hosts.NUMA_SERVICE in code.co_consts


def test_a_few_names_stand_for_many():
    assert some('ba') == 'a, b'
    assert some('edcba') == 'a, b, c and 2 more'
