"""What the package adds to Debian's Nova."""

LOAD = """
from oslo_utils import importutils
driver = importutils.import_class('nova.virt.numa_sched.LibvirtDriver')
print(driver.__module__, driver.__mro__[1].__module__)
"""
NAMES = """
import numa_sched.nova
found = numa_sched.nova.all_filters() + numa_sched.nova.all_weighers()
print(*sorted(each.__name__ for each in found))
"""
EXAMPLE = '/build/numa-sched/doc/source/example.json'
METADEFS = 'usr/share/numa_sched/metadefs/compute-live-migration-policy.json'


def test_nova_finds_the_driver_the_filters_and_the_weigher(installed):
    assert installed.python(LOAD) == [
        'numa_sched.nova.compute.libvirt',
        'nova.virt.libvirt.driver',
    ]
    assert installed.python(NAMES) == [
        'MigrationDestinationFilter',
        'NUMAFitFilter',
        'NUMAFitWeigher',
    ]


def test_the_commands_answer(installed):
    told = installed.run(
        'numa-sched', 'explain', 'web-1', '--snapshot', EXAMPLE
    )
    assert '3 of 6 hosts pass' in told
    installed.run('touch', '/tmp/nova.conf')
    told = installed.run(
        *('sh', '-c', '"$@" || [ $? = 2 ]', 'sh', 'numa-sched-status'),
        *('--config-file', '/tmp/nova.conf', 'upgrade', 'check'),
    )
    assert 'Add numa_sched.nova.all_filters' in told


def test_what_glance_is_told_is_there(installed):
    assert (installed.root / METADEFS).is_file()


def test_nothing_is_left_when_it_is_taken_away(beside_nova, package):
    before = beside_nova.files()
    beside_nova.install(package)
    assert METADEFS in beside_nova.files() - before
    beside_nova.run('apt-get', 'purge', '-y', 'python3-numa-sched')
    assert beside_nova.files() == before
