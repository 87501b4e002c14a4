"""Live migrations in a mixed fleet: no attempt where facts rule a host out."""

import contextlib
import logging
import threading

import pytest
import sqlalchemy
from nova.scheduler.host_manager import HostManager

from numa_sched.nova.scheduler import destination
from numa_sched.nova.scheduler.filters import MigrationDestinationFilter
from tests import amount
from tests.cloud import machines

NEWER, OLDER = 8002000, 7000000
PAGES = {2048: 1024}

# What each host has of its own, and why it will not do.
RULED_OUT = {
    'older': (
        {'hypervisor_version': OLDER},
        "hypervisor version 7000000 is older than the source's 8002000",
    ),
    'vendor': (
        {'cpu_vendor': 'AMD', 'cpu_model': 'EPYC'},
        "CPU vendor AMD is not the guest's Intel",
    ),
    'features': (
        {'cpu_model': 'Penryn', 'cpu_features': ('aes', 'vmx')},
        'CPU Penryn without avx2',
    ),
    'pages': (
        {'huge_pages': {1048576: 2}},
        'the claim gives 1 GiB pages, at the source the guest has 2 MiB pages',
    ),
}
GOOD = {
    'hypervisor_version': NEWER,
    'cpu_model': 'SandyBridge',
    'cpu_features': ('aes', 'avx2', 'vmx'),
    'huge_pages': PAGES,
}


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    """Hosts of ever more CPUs a cell: for packing, each better than the next.

    Those that will not do come first, and nothing else has a say.
    """
    cloud.flags(fit_weight_multiplier=1000.0, group='numa_sched')
    hosts = {
        **{name: facts for name, (facts, _) in RULED_OUT.items()},
        'good': {},
        'source': {'shared': (0,)},
        'foreign': {'shared': (0,), 'hypervisor': 'Test'},
    }
    for cores, (name, facts) in enumerate(hosts.items(), 4):
        machine = machines.symmetric(1, cores, memory_mb=6144)
        cloud.add_host(name, machine, **{**GOOD, **facts})


def boot(cloud, host='source', **extra_specs):
    """Give a pinned server with huge pages."""
    extra_specs = {
        'hw__cpu_policy': 'dedicated',
        'hw__mem_page_size': 'large',
        **extra_specs,
    }
    flavor = cloud.add_flavor(vcpus=2, ram=1024, **extra_specs)
    server = cloud.boot(flavor, host=host)
    cloud.forget()
    return server


@contextlib.contextmanager
def without_our_filter(cloud):
    """Take the filter out of the running scheduler."""
    manager = cloud.scheduler.manager.host_manager
    assert isinstance(manager, HostManager)
    enabled = manager.enabled_filters
    manager.enabled_filters = [
        each
        for each in enabled
        if not isinstance(each, MigrationDestinationFilter)
    ]
    assert len(manager.enabled_filters) == len(enabled) - 1
    try:
        yield
    finally:
        manager.enabled_filters = enabled


def messages(cloud, level, name='numa_sched.nova.scheduler.destination'):
    return [
        record.getMessage()
        for record in cloud.log
        if record.name == name and record.levelno == level
    ]


def test_no_attempt_is_made_where_facts_rule_a_host_out(cloud):
    server = boot(cloud)
    assert cloud.live_migrate(server) == 'good'
    assert cloud.attempts == cloud.checked == ['good']
    assert len(cloud.rankings) == 1


def test_without_the_filter_nova_attempts_them_all(cloud):
    server = boot(cloud)
    with without_our_filter(cloud):
        assert cloud.live_migrate(server) == 'good'
    assert cloud.attempts == [*RULED_OUT, 'good']
    # The conductor refuses one by itself, the others refuse when asked.
    assert cloud.checked == ['vendor', 'features', 'pages', 'good']


def test_one_line_tells_how_many_hosts_were_dropped_and_why(cloud):
    server = boot(cloud)
    cloud.live_migrate(server)
    (line,) = messages(cloud, logging.INFO)
    assert line == (
        f'Server {server["id"]} cannot be live-migrated from host source to '
        + '; '.join(
            sorted(f'1 host: {reason}' for _, reason in RULED_OUT.values())
        )
    )


def test_each_dropped_host_has_a_line_with_its_reason_for_debugging(cloud):
    server = boot(cloud)
    cloud.live_migrate(server)
    assert set(messages(cloud, logging.DEBUG)) == {
        f'Host {host}, node {host}: server {server["id"]} cannot be '
        f'live-migrated there from host source: {reason}'
        for host, (_, reason) in RULED_OUT.items()
    }


@pytest.mark.parametrize('host', RULED_OUT)
def test_a_host_named_by_the_admin_is_refused_without_asking_it(cloud, host):
    server = boot(cloud)
    assert cloud.live_migrate(server, host=host) == 'source'
    assert cloud.wait_for_migration(server)['status'] == 'error'
    assert cloud.attempts == cloud.checked == []
    (line,) = messages(cloud, logging.INFO)
    assert line.endswith(f'to 1 host: {RULED_OUT[host][1]}')


def test_another_hypervisor_is_not_attempted(cloud):
    # Nova knows of no NUMA cells of such a host.
    server = cloud.boot(cloud.add_flavor(), host='source')
    cloud.forget()
    assert cloud.live_migrate(server, host='foreign') == 'source'
    assert cloud.attempts == []
    (line,) = messages(cloud, logging.INFO)
    assert line.endswith("1 host: hypervisor Test is not the source's QEMU")
    with without_our_filter(cloud):
        assert cloud.live_migrate(server, host='foreign') == 'source'
    assert cloud.attempts == ['foreign']


def test_a_good_host_named_by_the_admin_is_gone_to(cloud):
    assert cloud.live_migrate(boot(cloud), host='good') == 'good'
    assert messages(cloud, logging.INFO) == []


@pytest.mark.parametrize('host', RULED_OUT)
def test_servers_are_created_on_such_hosts(cloud, host):
    assert cloud.host_of(boot(cloud, host)) == host
    assert messages(cloud, logging.INFO) == []


def test_servers_are_cold_migrated_and_resized_to_such_hosts(cloud):
    server = boot(cloud)
    assert cloud.cold_migrate(server) == 'older'
    cloud.revert(server)
    flavor = cloud.add_flavor(
        vcpus=2,
        ram=512,
        hw__cpu_policy='dedicated',
        hw__mem_page_size='large',
    )
    assert cloud.resize(server, flavor) == 'older'
    cloud.revert(server)
    assert messages(cloud, logging.INFO) == []


def test_servers_are_evacuated_to_such_hosts(cloud):
    assert cloud.evacuate(boot(cloud)) == 'older'
    assert messages(cloud, logging.INFO) == []


WORKAROUNDS = {
    'older': 'skip_hypervisor_version_check_on_lm',
    'vendor': 'skip_cpu_compare_on_dest',
    'features': 'skip_cpu_compare_on_dest',
}


@pytest.mark.parametrize('host', amount.each(WORKAROUNDS, ['older']))
def test_a_workaround_of_nova_lets_a_host_be_gone_to(cloud, host):
    server = boot(cloud)
    cloud.flags(group='workarounds', **{WORKAROUNDS[host]: True})
    try:
        assert cloud.live_migrate(server, host=host) == host
    finally:
        cloud.flags(group='workarounds', **{WORKAROUNDS[host]: False})
    assert cloud.checked == [host]


def test_emulated_guests_are_not_bound_to_a_cpu(cloud):
    server = boot(cloud)
    cloud.flags(virt_type='qemu', group='libvirt')
    try:
        assert cloud.live_migrate(server, host='vendor') == 'vendor'
    finally:
        cloud.flags(virt_type='kvm', group='libvirt')


def test_a_guest_with_a_cpu_of_its_own_is_not_bound_to_that_of_its_source(
    cloud,
):
    named = {'cpu_mode': 'custom', 'cpu_models': ['SandyBridge']}
    cloud.flags(group='libvirt', **named)
    try:
        server = boot(cloud)
    finally:
        cloud.flags(cpu_mode=None, cpu_models=[], group='libvirt')
    # An AMD CPU may have what an Intel model needs; the host is asked.
    cloud.live_migrate(server, host='vendor')
    assert cloud.checked == ['vendor']


def test_guests_of_another_page_size_go_to_the_host_of_theirs(cloud):
    server = boot(cloud, hw__mem_page_size='small')
    cloud.live_migrate(server, host='pages')
    assert cloud.host_of(server) == 'pages'


def test_rpc_that_is_held_back_keeps_pinned_servers_where_they_are(cloud):
    server = boot(cloud)
    cloud.flags(compute='stein', group='upgrade_levels')
    try:
        assert cloud.live_migrate(server, host='good') == 'source'
        (line,) = messages(cloud, logging.INFO)
        cloud.flags(enable_numa_live_migration=True, group='workarounds')
        assert cloud.live_migrate(server, host='good') == 'good'
    finally:
        cloud.flags(enable_numa_live_migration=False, group='workarounds')
        cloud.flags(compute=None, group='upgrade_levels')
    assert '[upgrade_levels] compute keeps RPC at 5.1' in line


def test_all_hosts_pass_with_a_warning_if_the_source_cannot_be_read(
    cloud, monkeypatch
):
    def fail(*args):
        raise OSError('no such luck')

    server = boot(cloud)
    monkeypatch.setattr(destination, '_source_node', fail)
    assert cloud.live_migrate(server, host='older') == 'source'
    assert cloud.attempts == ['older']
    # One for each request; the second came after the refusal.
    warnings = messages(cloud, logging.WARNING)
    assert len(warnings) == len(cloud.rankings)
    assert warnings[0].startswith(
        f'Destinations for server {server["id"]} are not checked'
    )
    assert warnings[0].endswith('no such luck')
    assert messages(cloud, logging.INFO) == []


@pytest.fixture
def reads(monkeypatch):
    """Count the statements that the filter sends to databases, per request."""
    stock = MigrationDestinationFilter.filter_all
    counted = []
    current = threading.local()

    def filter_all(self, hosts, spec_obj):
        current.statements = []
        try:
            return stock(self, hosts, spec_obj)
        finally:
            counted.append(len(current.statements))
            del current.statements

    def count(connection, cursor, statement, *args):
        if hasattr(current, 'statements') and statement != 'BEGIN':
            current.statements.append(statement)

    monkeypatch.setattr(MigrationDestinationFilter, 'filter_all', filter_all)
    event = (sqlalchemy.engine.Engine, 'before_cursor_execute', count)
    sqlalchemy.event.listen(*event)
    yield counted
    sqlalchemy.event.remove(*event)


def cold_migrate(cloud, server):
    cloud.cold_migrate(server)
    cloud.revert(server)


MOVES = {
    'live migration': lambda cloud, server: cloud.live_migrate(server),
    'cold migration': cold_migrate,
    'evacuation': lambda cloud, server: cloud.evacuate(server),
}


@pytest.mark.parametrize(
    ('move', 'shared', 'alone'),
    [
        ('live migration', 1, 2),
        ('cold migration', 0, 1),
        ('evacuation', 0, 1),
    ],
)
@pytest.mark.parametrize(
    'image_wishes',
    amount.each([True, False], [True]),
    ids=['images read', 'images not read'],
)
def test_what_a_move_costs(cloud, reads, move, shared, alone, image_wishes):
    """The server is read once for all of us: for its image, or by the filter.

    A live migration takes one more, for the compute node of the source.
    """
    server = boot(cloud)
    assert reads == [0]
    reads.clear()
    cloud.flags(image_wishes=image_wishes, group='numa_sched')
    try:
        MOVES[move](cloud, server)
    finally:
        cloud.flags(image_wishes=True, group='numa_sched')
    assert reads == [shared if image_wishes else alone]
