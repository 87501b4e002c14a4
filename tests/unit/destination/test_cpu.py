import json

import pytest

from numa_sched.destination import cpu
from numa_sched.destination.cpu import GuestCPU, HostCPU


def make_cpu(*features, model='Skylake-Server', vendor='Intel', arch='x86_64'):
    return HostCPU(arch, vendor, model, frozenset(features))


def test_cpu_info_is_read_as_libvirt_hosts_report_it():
    text = json.dumps(
        {
            'arch': 'x86_64',
            'vendor': 'Intel',
            'model': 'Skylake-Server',
            'topology': {'sockets': 1, 'cores': 2, 'threads': 1},
            'features': ['vmx', 'avx512f'],
        }
    )
    assert cpu.parse(text) == make_cpu('vmx', 'avx512f')


@pytest.mark.parametrize(
    'text',
    [None, '', '{', '[]', '7', '{"features": 7}', '?', '{}'],
)
def test_what_cannot_be_read_is_not_told(text):
    assert cpu.parse(text) == HostCPU()


@pytest.mark.parametrize('value', [None, '', 7])
def test_a_field_that_is_no_text_is_not_told(value):
    text = json.dumps({'arch': 'x86_64', 'vendor': value})
    assert cpu.parse(text) == HostCPU('x86_64')


@pytest.mark.parametrize(
    ('source', 'host', 'other'),
    [
        ('x86_64', 'x86_64', False),
        ('x86_64', 'i686', False),
        ('ppc64le', 'ppc64', False),
        ('x86_64', 'aarch64', True),
        ('aarch64', 'x86_64', True),
        ('riscv64', 'loongarch64', True),
        ('riscv64', 'riscv64', False),
        (None, 'x86_64', False),
        ('x86_64', None, False),
    ],
)
def test_architectures_that_have_something_in_common(source, host, other):
    found = cpu.other_family(HostCPU(source), HostCPU(host))
    assert found == ((host, source) if other else None)


INTEL, AMD = make_cpu(), make_cpu(vendor='AMD', model='EPYC')


@pytest.mark.parametrize(
    ('guest', 'source', 'host', 'wanted'),
    [
        (None, INTEL, INTEL, None),
        (None, INTEL, AMD, 'Intel'),
        (None, AMD, INTEL, 'AMD'),
        (None, INTEL, HostCPU('x86_64'), None),
        (None, HostCPU('x86_64'), AMD, None),
        (GuestCPU(), INTEL, AMD, None),
        (GuestCPU(vendor='Intel'), INTEL, AMD, 'Intel'),
        (GuestCPU(vendor='AMD'), INTEL, AMD, None),
        (
            None,
            make_cpu(arch='aarch64'),
            make_cpu(arch='aarch64', vendor='Arm'),
            None,
        ),
    ],
    ids=[
        'the same',
        'another',
        'another the other way round',
        'the host does not tell',
        'the source does not tell',
        'a guest with a CPU of its own is not bound',
        'a guest with a CPU of its own and a vendor is bound',
        'a guest on a source of a vendor that is not its own',
        'Nova does not compare Arm hosts',
    ],
)
def test_the_vendor_that_a_host_does_not_have(guest, source, host, wanted):
    found = cpu.other_vendor(guest, source, host)
    assert found == (wanted and (host.vendor, wanted))


@pytest.mark.parametrize('arch', [None, 'aarch64', 's390x', 'xtensa'])
def test_of_other_architectures_neither_vendor_nor_features_are_compared(arch):
    source = make_cpu('fpu', 'aes', arch=arch)
    host = make_cpu('fpu', vendor='AMD')
    assert cpu.other_vendor(None, source, host) is None
    assert cpu.missing_features(None, source, host) == frozenset()


def missing(source, host, guest=None):
    return cpu.missing_features(guest, source, host)


def make_told(*features, **fields):
    """Give a CPU with all of its features."""
    return make_cpu('fpu', 'sse2', *features, **fields)


def test_a_host_lacks_what_it_does_not_list():
    source = make_told('avx2', 'avx512f', 'vmx')
    host = make_told('avx2', 'vmx', model='Broadwell')
    assert missing(source, host) == {'avx512f'}


def test_a_host_may_have_more():
    source = make_told('avx2', model='Broadwell')
    assert not missing(source, make_told('avx2', 'avx512f'))


def test_features_that_a_hypervisor_may_give_are_not_missed():
    assert not missing(make_told('x2apic', 'movbe', 'umip'), make_told())


def test_what_the_source_lacks_is_not_needed():
    assert not missing(make_cpu(), make_told())


def test_nova_does_not_compare_features_of_arm_hosts():
    source = make_told('aes', arch='aarch64')
    assert not missing(source, make_told(arch='aarch64'))


def test_a_guest_with_a_cpu_of_its_own_needs_what_it_was_given():
    guest = GuestCPU(required=frozenset({'aes', 'x2apic', 'rdrand'}))
    source, host = make_told('aes', 'rdrand'), make_told('rdrand')
    assert missing(source, host, guest) == {'aes'}
    assert not missing(source, host, GuestCPU())


def test_beyond_a_model_hosts_of_the_same_model_can_be_compared():
    source = make_cpu('avx512f', 'sha-ni', 'vmx')
    assert missing(source, make_cpu('vmx', 'sha-ni')) == {'avx512f'}
    assert not missing(make_cpu(), make_cpu('avx512f'))


def test_beyond_a_model_another_one_may_have_what_it_does_not_list():
    source = make_cpu('avx512f', model='Broadwell')
    assert not missing(source, make_cpu(model='Cooperlake'))


def test_beyond_a_model_what_a_source_lists_may_be_of_the_model():
    assert not missing(make_told('avx512f'), make_cpu())


def test_beyond_a_model_a_guest_may_have_been_given_what_is_of_the_model():
    guest = GuestCPU(required=frozenset({'aes', 'avx512f'}))
    assert missing(make_cpu('aes'), make_cpu(), guest) == {'aes'}


def test_beyond_models_that_are_not_told_nothing_is_known():
    assert not missing(make_cpu('avx512f', model=None), make_cpu(model=None))
