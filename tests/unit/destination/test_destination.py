import dataclasses

import pytest

from numa_sched import destination
from numa_sched.destination import Migration, Node, Rules, refusal
from numa_sched.destination.cpu import GuestCPU, HostCPU
from numa_sched.fit import reasons


def make_node(hypervisor='QEMU', version=8002000, *, features=(), **fields):
    cpu = {'arch': 'x86_64', 'vendor': 'Intel', 'model': 'Broadwell'}
    cpu.update(
        (name, fields.pop(name)) for name in tuple(cpu) if name in fields
    )
    return Node(
        hypervisor,
        version,
        HostCPU(**cpu, features=frozenset(features)),
        **{'service_version': 74, **fields},
    )


def make_migration(source=None, *, guest_cpu=None, has_numa=False, **rules):
    return Migration(
        source or make_node(),
        guest_cpu=guest_cpu,
        has_numa=has_numa,
        rules=Rules(**rules),
    )


def why(migration, **host):
    reason = refusal(migration, make_node(**host))
    assert reason is None or reason.summary == str(reason)
    return reason and str(reason)


def test_a_host_like_the_source_will_do():
    assert why(make_migration(has_numa=True)) is None


def test_another_hypervisor_will_not_do():
    assert why(make_migration(), hypervisor='VMware') == (
        "hypervisor VMware is not the source's QEMU"
    )


@pytest.mark.parametrize('host', ['Hyper-V', 'VMware'])
def test_a_hypervisor_of_any_other_name_will_not_do(host):
    assert why(make_migration(), hypervisor=host) is not None
    source = make_node(host)
    assert why(make_migration(source), hypervisor='QEMU') is not None


@pytest.mark.parametrize(
    ('name', 'is_libvirt'),
    [
        ('QEMU', True),
        ('qemu', True),
        ('Hyper-V', False),
        ('VMware', False),
        (None, False),
    ],
)
def test_qemu_alone_is_that_of_libvirt(name, is_libvirt):
    assert make_node(name).is_libvirt is is_libvirt


def test_an_older_hypervisor_will_not_do():
    source = make_node(version=7001000)
    assert why(make_migration(source), version=6002000) == (
        "hypervisor version 6002000 is older than the source's 7001000"
    )


def test_a_newer_hypervisor_will_do():
    assert why(make_migration(), version=8002001) is None


def test_an_older_hypervisor_will_do_where_versions_are_not_checked():
    migration = make_migration(older_hypervisors=True)
    assert why(migration, version=6002000) is None
    assert why(migration, hypervisor='VMware') is not None


@pytest.mark.parametrize('unknown', ['hypervisor', 'version'])
def test_a_hypervisor_that_is_not_told_may_do(unknown):
    assert why(make_migration(), **{unknown: None}) is None
    source = make_node(**{unknown: None})
    assert why(make_migration(source)) is None


OLD = {'service_version': 39}


def test_a_nova_compute_that_cannot_claim_will_not_do_for_numa_guests():
    assert why(make_migration(has_numa=True), **OLD) == (
        'nova-compute of service version 39 is too old for NUMA-aware live '
        'migration, which needs 40'
    )
    assert why(make_migration(has_numa=True), service_version=40) is None
    assert why(make_migration(has_numa=True), service_version=None) is None


def test_guests_without_numa_topology_need_no_claim():
    assert why(make_migration(), **OLD) is None
    assert why(make_migration(version_cap=(5, 0))) is None


def test_numa_guests_may_be_allowed_to_move_without_a_claim():
    migration = make_migration(
        has_numa=True, moves_numa_without_claim=True, version_cap=(5, 0)
    )
    assert why(migration, **OLD) is None


def test_only_guests_of_libvirt_are_moved_with_a_claim():
    source = make_node('VMware')
    migration = make_migration(source, has_numa=True, version_cap=(5, 0))
    assert why(migration, hypervisor='VMware', **OLD) is None
    assert not make_migration(source, has_numa=True).claims_on(source)


def test_rpc_that_is_held_back_keeps_numa_guests_where_they_are():
    migration = make_migration(has_numa=True, version_cap=(5, 2))
    assert why(migration) == (
        '[upgrade_levels] compute keeps RPC at 5.2, NUMA-aware live '
        'migration needs 5.3'
    )


@pytest.mark.parametrize('cap', [(5, 3), (6, 0), (10, 0), None])
def test_rpc_that_is_recent_enough_will_do(cap):
    assert why(make_migration(has_numa=True, version_cap=cap)) is None


@pytest.mark.parametrize(
    ('text', 'version'),
    [
        ('5.3', (5, 3)),
        ('6.10', (6, 10)),
        ('auto', None),
        ('', None),
        (None, None),
        ('1.2.3', None),
    ],
)
def test_a_version_is_read_if_it_is_one(text, version):
    assert destination.parse_version(text) == version


@pytest.mark.parametrize(
    ('changed', 'claims'),
    [
        ({}, True),
        ({'has_numa': False}, False),
        ({'version_cap': (5, 0)}, False),
        ({'service_version': 39}, False),
    ],
    ids=['as things are', 'no topology', 'old RPC', 'old service'],
)
def test_when_a_topology_is_claimed(changed, claims):
    host = make_node(service_version=changed.pop('service_version', 74))
    migration = make_migration(**{'has_numa': True, **changed})
    assert migration.claims_on(host) is claims


def test_a_guest_has_no_topology_unless_told():
    assert not Migration(make_node()).claims_on(make_node())


def test_another_architecture_will_not_do():
    assert why(make_migration(), arch='aarch64', vendor='ARM') == (
        "CPU architecture aarch64 is not the source's x86_64"
    )


def test_another_vendor_will_not_do():
    assert why(make_migration(), vendor='AMD', model='EPYC') == (
        "CPU vendor AMD is not the guest's Intel"
    )


def test_another_vendor_may_do_for_a_guest_with_a_cpu_of_its_own():
    migration = make_migration(guest_cpu=GuestCPU())
    assert why(migration, vendor='AMD', model='EPYC') is None


def test_features_that_are_missing_are_named():
    source = make_node(features=['rdseed', 'sha-ni', 'vmx'])
    assert why(make_migration(source)) == (
        'CPU Broadwell without rdseed, sha-ni'
    )


def test_features_are_missed_on_a_host_of_a_model_that_is_not_told():
    source = make_node(features=['rdseed'])
    assert why(make_migration(source), model=None, features=['fpu']) == (
        'CPU of unknown model without rdseed'
    )


def test_of_many_missing_features_the_first_are_named():
    names = ['adx', 'aes', 'avx', 'avx2', 'bmi1', 'bmi2', 'fma']
    assert why(make_migration(make_node(features=names))) == (
        'CPU Broadwell without adx, aes, avx, avx2, bmi1 and 2 more features '
        'of the guest'
    )


def test_five_missing_features_are_all_named():
    names = ['adx', 'aes', 'avx', 'avx2', 'bmi1']
    assert why(make_migration(make_node(features=names))) == (
        'CPU Broadwell without adx, aes, avx, avx2, bmi1'
    )


def test_a_sixth_missing_feature_is_counted():
    names = ['adx', 'aes', 'avx', 'avx2', 'bmi1', 'bmi2']
    assert 'bmi1 and 1 more' in why(make_migration(make_node(features=names)))


OTHER_CPU = {'vendor': 'AMD', 'model': 'EPYC'}


def test_cpus_may_be_left_to_libvirt():
    migration = make_migration(compares_cpus=False)
    assert why(migration, **OTHER_CPU) is None
    assert why(migration, arch='aarch64') is None


def test_a_host_without_kvm_compares_no_cpus():
    assert why(make_migration(), has_kvm=False, **OTHER_CPU) is None


def test_other_drivers_than_that_of_libvirt_compare_no_cpus():
    source = make_node('VMware')
    host = {'hypervisor': 'VMware', **OTHER_CPU}
    assert why(make_migration(source), **host) is None


def test_of_several_reasons_the_one_that_nova_finds_first_is_given():
    migration = make_migration(has_numa=True)
    host = {'version': 1, **OLD, **OTHER_CPU}
    assert 'hypervisor version' in why(migration, **host)
    del host['version']
    assert 'service version' in why(migration, **host)


def test_a_claim_of_the_pages_in_use_will_do():
    assert destination.page_refusal(2048, 2048) is None
    assert destination.page_refusal(None, None) is None


def test_a_claim_of_other_pages_will_not_do():
    assert str(destination.page_refusal(2048, 1048576)) == (
        'the claim gives 1 GiB pages, at the source the guest has 2 MiB pages'
    )
    assert destination.page_refusal(4, 64) is not None


def test_hosts_are_grouped_by_reason():
    migration = make_migration()
    hosts = [
        make_node(version=6002000),
        make_node(vendor='AMD'),
        make_node(version=6002000),
    ]
    assert reasons.summarize(refusal(migration, host) for host in hosts) == (
        "2 hosts: hypervisor version 6002000 is older than the source's "
        "8002000; 1 host: CPU vendor AMD is not the guest's Intel"
    )


def test_facts_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_node().hypervisor_type = 'other'
