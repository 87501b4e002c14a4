"""A whole cloud in one process: Nova and Placement, with fake hypervisors.

The API, the conductor, the scheduler and any number of computes of Nova, and
Placement, each with its own SQLite databases, over the fixtures that Nova and
Placement ship. Only what no test machine can be is faked: the hypervisor, and
the configuration files that hosts would have of their own.
"""

import importlib.metadata
import os

# Native threads: where Nova is going, and eventlet's patched standard library
# does not get along with test runners. Nova's fixtures before 34 need that.
# Nova reads this when it is imported.
os.environ.setdefault(
    'OS_NOVA_DISABLE_EVENTLET_PATCHING',
    str(importlib.metadata.version('nova') >= '34').lower(),
)

# One of the two has eventlet patch, if it is to; which one, the release knows.
import nova.tests.functional  # isort: skip
import nova.test  # isort: skip # noqa: F401
from nova.tests.functional.api.client import OpenStackApiNotFoundException

from nova.tests.functional import integrated_helpers  # isort: skip

import contextlib
import logging
import pathlib
import sys
import urllib.parse
import uuid

import fixtures
import numpy  # noqa: F401  (asks for the machine's name, as Nova forbids soon)
from nova.conf import CONF
from nova.scheduler.host_manager import HostManager
from nova.tests.functional.libvirt import base
from nova.virt.libvirt.driver import LibvirtDriver
from oslo_utils import importutils

import numa_sched.nova  # noqa: F401  (its options)
from tests.cloud import api as cloud_api
from tests.cloud.cells import OneCell
from tests.cloud.connections import KeptConnections
from tests.cloud.hypervisor import Connection
from tests.cloud.machines import HostInfo
from tests.cloud.moves import Moves
from tests.cloud.servers import PATIENCE_SECONDS, Servers
from tests.cloud.threads import rest

rest()

# What the README tells an operator to put into nova.conf.
SCHEDULER_OPTIONS = {
    'available_filters': [
        'nova.scheduler.filters.all_filters',
        'numa_sched.nova.all_filters',
    ],
    'enabled_filters': [
        'ComputeFilter',
        'ComputeCapabilitiesFilter',
        'ImagePropertiesFilter',
        'ServerGroupAntiAffinityFilter',
        'ServerGroupAffinityFilter',
        'NUMAFitFilter',
        'MigrationDestinationFilter',
    ],
    'weight_classes': [
        'nova.scheduler.weights.all_weighers',
        'numa_sched.nova.all_weighers',
    ],
}
STOCK_OPTIONS = {
    'enabled_filters': [
        'NUMATopologyFilter' if name == 'NUMAFitFilter' else name
        for name in SCHEDULER_OPTIONS['enabled_filters']
        if name != 'MigrationDestinationFilter'
    ],
}


# Ours, and those that tell which destinations refused and what took too long.
KEPT_LOGGERS = (
    'numa_sched',
    'nova.conductor.tasks.live_migrate',
    'nova.virt.libvirt.migration',
)

UPTIME = ' 10:01:16 up 1 day,  1 user,  load average: 0.20, 0.21, 0.22\n'


class Cloud(Servers, base.ServersTestBase):
    """The cloud, as a test case of Nova's that is not a test itself."""

    ADMIN_API = True
    CAST_AS_CALL = False
    microversion = 'latest'

    def __init__(
        self,
        scheduler_options=None,
        *,
        compute_driver='libvirt.LibvirtDriver',
        **options,
    ):
        super().__init__('run_nothing')
        self.compute_driver = compute_driver
        self.options = options
        self.scheduler_options = scheduler_options or SCHEDULER_OPTIONS
        self.placement_queries = []
        self.rankings = []
        self.attempts = []
        self.checked = []
        self.log = []
        self.errors = []
        self.residents = set()

    def run_nothing(self):
        """Stand in for a test method."""

    def setUp(self):
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova.conf.paths.state_path_def',
                lambda path: os.path.join(sys.prefix, path),
            )
        )
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.paste_files = {
            filtered: cloud_api.write_paste_file(
                directory / f'{filtered}.ini', filtered=filtered
            )
            for filtered in (True, False)
        }
        self.flags(api_paste_config=self.paste_files[True], group='wsgi')
        self.useFixture(OneCell())
        self.useFixture(KeptConnections())
        super().setUp()
        self.flags(cores=-1, ram=-1, instances=-1, group='quota')
        self.flags(compute_driver=self.compute_driver)
        # A machine that has much to do is slow, and nothing is down.
        self.flags(
            rpc_response_timeout=PATIENCE_SECONDS,
            service_down_time=PATIENCE_SECONDS,
        )
        # Nova's own answers are not what is tested.
        self.flags(response_validation='ignore', group='api')
        self.moves = self.useFixture(Moves(self.connection))
        for name in ('_get_pcpu_available', '_get_vcpu_available'):
            self._configure_per_host(name)
        # A program is started to read it, at every report of a host.
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova.virt.libvirt.driver.LibvirtDriver.get_host_uptime',
                lambda driver: UPTIME,
            )
        )
        self._watch_placement()
        self._watch_ranking()
        self._watch_attempts()
        # Nova's fixtures have every debug message formatted.
        logging.getLogger().setLevel(logging.INFO)
        for name in KEPT_LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)
        self.useFixture(
            fixtures.LogHandler(
                Records(self.log, self.errors), nuke_handlers=False
            )
        )

    def _setup_scheduler_service(self):
        self.flags(group='filter_scheduler', **self.scheduler_options)
        self.flags(group='numa_sched', **self.options)
        return self.start_service('scheduler')

    def _configure_per_host(self, name):
        """Give each host CPU sets of its own.

        They would come from its nova.conf; one process has but one.
        """
        stock = getattr(LibvirtDriver, name)

        def available(driver):
            info = driver._host.get_connection().host_info
            if not isinstance(info, HostInfo):
                return stock(driver)
            return set(
                info.dedicated
                if name == '_get_pcpu_available'
                else info.shared
            )

        self.useFixture(
            fixtures.MonkeyPatch(
                f'nova.virt.libvirt.driver.LibvirtDriver.{name}', available
            )
        )

    def _get_connection(self, host_info=None, *args, **kwargs):
        # Nova's own insists on fewer than 16 CPUs.
        hostname = kwargs.get('hostname') or args[-1]
        return Connection(
            'qemu:///system',
            host_info=host_info,
            pci_info=args[0] if args else None,
            hostname=hostname,
        )

    def _watch_placement(self):
        """Keep the queries for allocation candidates, as they are sent."""
        fixture = self.placement.fixture
        stock = fixture._fake_get

        def get(client, url, *args, **kwargs):
            path, _, query = url.partition('?')
            if path == '/allocation_candidates':
                self.placement_queries.append(urllib.parse.parse_qs(query))
            return stock(client, url, *args, **kwargs)

        self.useFixture(
            fixtures.MonkeyPatch(
                'nova.scheduler.client.report.SchedulerReportClient.get', get
            )
        )

    def _watch_ranking(self):
        """Keep the lists of hosts with their weights, as Nova sorted them."""
        stock = HostManager.get_weighed_hosts

        def get_weighed_hosts(manager, hosts, spec_obj):
            weighed = stock(manager, hosts, spec_obj)
            self.rankings.append(
                [(each.obj.host, each.weight) for each in weighed]
            )
            return weighed

        self.useFixture(
            fixtures.MonkeyPatch(
                'nova.scheduler.host_manager.HostManager.get_weighed_hosts',
                get_weighed_hosts,
            )
        )

    def _watch_attempts(self):
        """Keep the hosts that live migrations attempt, and that are asked.

        The conductor attempts those that the scheduler gives it, and asks
        those that it does not refuse itself.
        """

        def watch(name, keep):
            module, _, method = name.rpartition('.')
            stock = getattr(importutils.import_class(module), method)

            def watched(watched_self, *args, **kwargs):
                keep(watched_self, *args)
                return stock(watched_self, *args, **kwargs)

            self.useFixture(fixtures.MonkeyPatch(name, watched))

        watch(
            'nova.conductor.tasks.live_migrate.LiveMigrationTask.'
            '_check_compatible_with_source_hypervisor',
            lambda task, host: self.attempts.append(host),
        )
        watch(
            'nova.compute.manager.ComputeManager.'
            'check_can_live_migrate_destination',
            lambda manager, *args: self.checked.append(manager.host),
        )

    def door(self, *, filtered=True, **options):
        """Give the API application, with or without our filter.

        :param options: of ours, as it reads them when it starts
        """
        for name, value in options.items():
            CONF.set_override(name, value, group='numa_sched')
        try:
            return cloud_api.Door(self.paste_files[filtered])
        finally:
            for name in options:
                CONF.clear_override(name, group='numa_sched')

    def connection(self, host):
        """Give the fake libvirt connection of a host."""
        return self.computes[host].driver._host.get_connection()

    def add_host(
        self, name, machine, *, traits=(), pci_info=None, **host_info
    ):
        """Start a nova-compute on a machine, and set traits on it."""
        self.start_compute(
            name, host_info=HostInfo(machine, **host_info), pci_info=pci_info
        )
        self.set_traits(name, add=traits)
        return name

    def set_traits(self, host, add=(), remove=()):
        """Set traits of a host through placement, as an operator would."""
        url = f'/resource_providers/{self.compute_rp_uuids[host]}/traits'
        body = self.placement.get(url, version='1.6').body
        body['traits'] = sorted({*body['traits'], *add} - set(remove))
        return self.placement.put(url, body, version='1.6')

    def traits_of(self, host):
        """Give the traits of a host, from placement."""
        url = f'/resource_providers/{self.compute_rp_uuids[host]}/traits'
        return set(self.placement.get(url, version='1.6').body['traits'])

    def add_flavor(self, vcpus=1, ram=512, *, name=None, **extra_specs):
        """Give the id of a new flavor; ``hw__numa_nodes`` is hw:numa_nodes."""
        return self._create_flavor(
            name=name,
            vcpu=vcpus,
            memory_mb=ram,
            disk=1,
            ephemeral=0,
            extra_spec={
                key.replace('__', ':'): value
                for key, value in extra_specs.items()
            },
        )

    def add_image(self, **properties):
        """Give the id of a new image."""
        image = self.glance.show(
            None, self.glance.auto_disk_config_enabled_image['id']
        )
        image['id'] = str(uuid.uuid4())
        image['properties'] = properties
        return self.glance.create(None, image)['id']

    def delete_all(self):
        """Delete all servers, and wait until their room is free again.

        Those whose ids are among ``residents`` stay.
        """
        servers = self.api.get_servers(detail=False)
        passing = {server['id'] for server in servers} - self.residents
        for server in passing:
            # One that is deleted already is still listed for a moment.
            with contextlib.suppress(OpenStackApiNotFoundException):
                self.api.delete_server(server)
        for server in passing:
            self.wait_until_gone(server)
        self._run_periodics()
        self.forget()

    def forget(self):
        """Forget what was asked, ranked, moved and logged so far."""
        for kept in (
            self.placement_queries,
            self.rankings,
            self.attempts,
            self.checked,
            self.moves.made,
            self.log,
            self.errors,
        ):
            kept.clear()


class Records(logging.Handler):
    """Keeps what is logged by the loggers that we look at.

    And the errors of all, as text.
    """

    def __init__(self, records, errors):
        super().__init__(logging.DEBUG)
        self.records = records
        self.errors = errors

    def emit(self, record):
        if record.name.startswith(KEPT_LOGGERS):
            self.records.append(record)
        if record.levelno >= logging.ERROR:
            self.errors.append(f'{record.name}: {self.format(record)}')


@contextlib.contextmanager
def started_cloud(scheduler_options=None, **options):
    """Give a running cloud without any host.

    :param options: ``compute_driver``, and those of ``[numa_sched]``
    """
    cloud = Cloud(scheduler_options, **options)
    try:
        cloud.setUp()
        yield cloud
    finally:
        # The fixtures stop capturing logs before services have ended.
        logging.getLogger().setLevel(logging.WARNING)
        cloud.doCleanups()


__all__ = [
    'SCHEDULER_OPTIONS',
    'STOCK_OPTIONS',
    'Cloud',
    'integrated_helpers',
    'started_cloud',
]
