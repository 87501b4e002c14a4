"""A cloud of all services, and those who ask it."""

import concurrent.futures
import contextlib
import datetime
import functools
import json
import re

import openstack
import yaml

from tests import checkout
from tests.services import common, nova, readme
from tests.services.processes import (
    BIN,
    HERE,
    FailedError,
    run,
    stop_all,
    wait_for,
)

NAME = 'tests'
SERVICES = {
    'glance': ('image', ''),
    'placement': ('placement', ''),
    'nova': ('compute', '/v2.1'),
    'neutron': ('network', ''),
}
COMPUTE = 'nova-compute'
MICROVERSION = '2.96'
IMAGE = 'plain'
CPUS = (4, 8, 1024)
# An error that we log, or a line of a traceback.
OURS = re.compile(r' (ERROR|CRITICAL) numa_sched|File ".*/numa_sched/')


class Cloud:
    """All processes, in a directory of their own.

    :param hosts: those that run nova-compute
    :param schedulers: how many there are
    """

    def __init__(self, directory, hosts, *, schedulers=2):
        self.directory = directory
        self._hosts, self._schedulers = hosts, schedulers
        self.environment = self._write_clouds()
        self.started = []
        self.ours = None

    def _write_clouds(self):
        """Give what tells ``openstack`` where the cloud is, and who asks."""
        path = self.directory / 'clouds.yaml'
        auth = dict(common.CREDENTIALS)
        region, kind = auth.pop('region_name'), auth.pop('auth_type')
        cloud = {'auth': auth, 'auth_type': kind, 'region_name': region}
        cloud['compute_api_version'] = MICROVERSION
        cloud['compute_default_microversion'] = MICROVERSION
        path.write_text(yaml.safe_dump({'clouds': {NAME: cloud}}))
        return {'OS_CLIENT_CONFIG_FILE': str(path), 'OS_CLOUD': NAME}

    def start(self):
        """Start all services, Nova's without us; give the cloud."""
        directory = self.directory
        self.mariadb = self._start(common.mariadb(directory))
        self.rabbitmq = self._start(common.rabbitmq(directory))
        self.neutron = self._start(common.neutron(directory))
        self.mariadb.ready()
        common.make_databases(directory)
        self.nova = nova.Nova(directory, self._hosts, self._schedulers)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            made = [
                pool.submit(make, directory)
                for make in (common.keystone, common.placement, common.glance)
            ]
            tables = pool.submit(self.nova.make_databases)
            self.keystone, self.placement, self.glance = (
                self._start(each.result()) for each in made
            )
            tables.result()
        for each in self.started:
            each.ready()
        self._tell_services()
        return self

    def _start(self, process):
        self.started.append(process)
        return process.start()

    def _tell_services(self):
        # A token has the catalogue of when it was made.
        identity = self.connect().identity
        for name, (kind, path) in SERVICES.items():
            service = identity.create_service(name=name, type=kind)
            identity.create_endpoint(
                service_id=service.id,
                interface='public',
                region_id=common.REGION,
                url=f'http://{HERE}:{common.PORTS[name]}{path}',
            )

    @functools.cached_property
    def connection(self):
        """A client, as the administrator."""
        return self.connect()

    def connect(self):
        """Give a client of one's own, as threads need."""
        with_file = openstack.config.OpenStackConfig(
            config_files=[self.environment['OS_CLIENT_CONFIG_FILE']]
        )
        return openstack.connection.Connection(
            config=with_file.get_one(cloud=NAME)
        )

    def become(self, *, ours, again=False):
        """Have Nova run with or without us, from the beginning if it does not.

        :param ours: whether nova.conf is as the README says
        :param again: whether it starts again if it does
        """
        if self.ours == ours and not again:
            return
        self._end_hosts()
        stop_all(self.nova.controllers)
        self.nova.configure(ours=ours)
        self._since = datetime.datetime.now(datetime.UTC)
        for process in self.nova.controllers:
            self._begin(process)
        self._start_hosts()
        self.nova.api.ready()
        wait_for('every nova-compute', self._hosts_are_there)
        self.nova.manage('cell_v2', 'discover_hosts')
        wait_for('every scheduler', self._schedulers_are_up)
        self.ours = ours
        if not list(self.connection.compute.flavors()):
            self._furnish()

    def renew_hosts(self):
        """Have nova-compute run everywhere as its host is to have it now."""
        self._end_hosts()
        for host in self.nova.hosts.values():
            self.nova.configure_host(host, ours=self.ours)
        self._since = datetime.datetime.now(datetime.UTC)
        self._start_hosts()
        wait_for('every nova-compute', self._hosts_are_there)

    def _begin(self, process):
        if process not in self.started:
            self.started.append(process)
        process.start()

    def _start_hosts(self):
        """Start each nova-compute, those of an older release first.

        Nova has none join that is older than all others.
        """
        hosts = self.nova.hosts
        for process in self.nova.computes:
            process.environment = self.nova.environment_of(hosts[process.name])
        older = [
            process
            for process in self.nova.computes
            if hosts[process.name].release
        ]
        for process in older:
            self._begin(process)
        for process in older:
            wait_for(
                f'{process} of the older release',
                lambda name=process.name: name in self._services(COMPUTE),
            )
        for process in self.nova.computes:
            if process not in older:
                self._begin(process)

    def _end_hosts(self):
        # In good order it takes half a minute, with nothing under way.
        for process in self.nova.computes:
            if process.runs:
                process.kill()

    def _furnish(self):
        """Make an image, and flavors of pinned servers by numbers of CPUs."""
        self.image = self.make_image(IMAGE)
        self.flavors = {cpus: self.make_flavor(cpus) for cpus in CPUS}

    def make_image(self, name, *, data=b'nothing', **properties):
        """Give the id of a new image, with properties."""
        return self.connection.image.create_image(
            name,
            disk_format='raw',
            container_format='bare',
            data=data,
            **properties,
        ).id

    def make_flavor(self, cpus):
        """Give the id of a new flavor, which is named after its CPUs."""
        compute = self.connection.compute
        flavor = compute.create_flavor(
            name=f'pinned.{cpus}', vcpus=cpus, ram=1024, disk=1
        )
        compute.create_flavor_extra_specs(
            flavor, {'hw:cpu_policy': 'dedicated'}
        )
        return flavor.id

    def _services(self, binary):
        """Give the hosts whose service has reported since it was started."""
        since = f'{self._since:%Y-%m-%dT%H:%M:%S}'
        with contextlib.suppress(openstack.exceptions.SDKException):
            return {
                each.host
                for each in self.connection.compute.services(binary=binary)
                # In whole seconds: those of before may have reported in this.
                if (each.updated_at or '')[: len(since)] > since
            }
        return set()

    def _hosts_are_there(self):
        """Whether each host has told Nova and placement that it is there."""
        for process in self.nova.computes:
            process.ready()
        with contextlib.suppress(openstack.exceptions.SDKException):
            found = self.connection.placement.resource_providers()
            told = {each.name for each in found}
            there = told & self._services(COMPUTE)
            return there >= set(self.nova.hosts)
        return False

    def _schedulers_are_up(self):
        there = self._services('nova-scheduler')
        return there >= set(self.nova.scheduler_names)

    def openstack(self, *arguments):
        """Give what the command ``openstack`` prints."""
        return run(
            *(BIN / 'openstack', *arguments),
            directory=self.directory,
            **self.environment,
        )

    def asked(self, *arguments):
        """Give what ``openstack`` prints, as values."""
        return json.loads(self.openstack(*arguments, '-f', 'json'))

    def create(self, name, *arguments, flavor, image=IMAGE):
        """Create a server by ``openstack``, and give it once it is active.

        :param arguments: more of them
        :raises FailedError: if it does not become so
        """
        self.openstack(
            *('server', 'create', name, '--nic', 'none'),
            *('--flavor', flavor, '--image', image, *arguments),
        )
        server = self.settled(name)
        if server['status'] != 'ACTIVE':
            raise FailedError(f'server {name}: {server.get("fault")}')
        return server

    def settled(self, name, *, but=None):
        """Give a server once nothing is done with it any more.

        :param but: the host that it is not to be on any more
        """

        def look():
            found = self.connection.compute.find_server(name, details=True)
            if found.task_state or found.status in ('BUILD', 'MIGRATING'):
                return None
            moving = but == found.hypervisor_hostname
            return None if moving and found.status != 'ERROR' else found

        wait_for(f'server {name}', look)
        return self.asked('server', 'show', name)

    def servers(self):
        """Give the status of each server, by id."""
        return {
            each.id: each.status for each in self.connection.compute.servers()
        }

    def delete_servers(self):
        """Delete all servers, and wait until they are gone."""
        compute = self.connection.compute
        for server in compute.servers(details=False):
            compute.delete_server(server)
        wait_for(
            'no servers', lambda: not list(compute.servers(details=False))
        )

    def load_metadefs(self):
        """Tell Glance of the keys, as the README says."""
        command, *arguments = readme.metadefs().split()
        arguments[arguments.index('--config-file') + 1] = (
            self.directory / 'glance' / 'glance-api.conf'
        )
        run(BIN / command, *arguments, directory=checkout.ROOT)

    def tool(self, *arguments):
        """Give what ``numa-sched`` prints on the controller."""
        return run(
            *(BIN / 'numa-sched', *arguments),
            *('--config-file', self.nova.conf),
            directory=self.directory,
        )

    def server_of(self, cpus):
        """Give a function that gives what to ask for, of a number."""
        return lambda number: {
            'name': f'server-{number}',
            'flavorRef': self.flavors[cpus],
            'imageRef': self.image,
            'networks': 'none',
        }

    def leaks(self):
        """Give the allocations that no server has, as nova-manage says."""
        try:
            self.nova.manage('placement', 'audit', '--verbose')
        except FailedError as error:
            return re.findall('Allocations .*', str(error)) or [str(error)]
        return []

    def used(self, provider):
        """Give how many CPUs of a resource provider are used to pin."""
        usages = self.connection.placement.get(
            f'/resource_providers/{provider.id}/usages'
        )
        return usages.json()['usages'].get('PCPU', 0)

    def our_errors(self):
        """Give what services logged of errors of ours, and through our code.

        As lines, each with the name of the process.
        """
        return [
            f'{process}: {line}'
            for process in self.started
            for line in process.logged().splitlines()
            if OURS.search(line)
        ]

    def stop(self):
        """Stop whatever runs."""
        for process in reversed(self.started):
            if process.runs:
                process.kill()
