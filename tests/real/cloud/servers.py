"""Servers of a cloud on real hosts: their migrations, and what is seen there.

What a server does is asked of Nova's API; what a guest does, of libvirt and
QEMU of the hosts.
"""

import functools
import json
import os
import time

import libvirt
import libvirt_qemu
import openstack

from numa_sched import policy
from tests.real import guests, moving
from tests.services.processes import FailedError, wait_for

# What QEMU calls what a server can wish, and a migration over more than one
# connection.
WISHES = ('auto-converge', 'postcopy-ram')
SEVERAL_CONNECTIONS = 'multifd'
DONE = ('completed', 'cancelled', 'error', 'failed')
# No more than a guest needs, which is copied over a slow network.
MEMORY_MB = 64
SWITCHED = (
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED,
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY,
)


class Events:
    """What libvirt of a host tells of guests, as long as it is listened to."""

    def __init__(self, host):
        self._seen = []
        self._connection = libvirt.open(host.uri)
        self._number = self._connection.domainEventRegisterAny(
            None,
            libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
            lambda _, domain, *event: self._seen.append(
                (domain.UUIDString(), tuple(event[:2]))
            ),
            None,
        )

    def of(self, uuid):
        """Give the events of a guest, each with its detail."""
        return [event for seen, event in self._seen if seen == uuid]

    def close(self):
        self._connection.domainEventDeregisterAny(self._number)
        self._connection.close()


def asked(host, uuid, command):
    """Give what QEMU of a guest on a host answers to a command."""
    connection = libvirt.open(host.uri)
    try:
        answer = libvirt_qemu.qemuMonitorCommand(
            connection.lookupByUUIDString(uuid),
            json.dumps({'execute': command}),
            0,
        )
    finally:
        connection.close()
    return json.loads(answer)['return']


class Servers:
    """Makes servers in a cloud, as they wish to be live-migrated.

    A wish is the value of the flavor's or the image's key, or None.

    :param disk: what is in their image
    """

    def __init__(self, cloud, disk):
        self._cloud, self._disk = cloud, disk
        # What they are made of, each made once.
        self._flavor = functools.cache(self._make_flavor)
        self._image = functools.cache(self._make_image)

    def create(
        self, *, auto_converge=None, post_copy=None, on=None, pinned=False
    ):
        """Ask for a server; for auto-converge by flavor, post-copy by image.

        :param on: the host that it is to be on
        """
        body = {
            'name': 'server',
            'flavorRef': self._flavor(auto_converge, pinned),
            'imageRef': self._image(post_copy),
            'networks': 'none',
        }
        if on:
            body['host'] = on
        answer = self._cloud.connection.compute.post(
            '/servers', json={'server': body}
        )
        openstack.exceptions.raise_from_response(answer)
        return Server(self._cloud, answer.json()['server']['id'])

    def _make_flavor(self, wish, pinned):
        compute = self._cloud.connection.compute
        specs = _wish(policy.WISHES[0].flavor_key, wish)
        if pinned:
            specs['hw:cpu_policy'] = 'dedicated'
        flavor = compute.create_flavor(
            name=f'boot-{wish}-{pinned}', vcpus=1, ram=MEMORY_MB, disk=0
        )
        if specs:
            compute.create_flavor_extra_specs(flavor, specs)
        return flavor.id

    def _make_image(self, wish):
        return self._cloud.make_image(
            f'boot-{wish}',
            data=self._disk.read_bytes(),
            **_wish(policy.WISHES[1].image_key, wish),
        )


def _wish(key, value):
    """Give properties with a wish, if there is one."""
    return {} if value is None else {key: value}


class Server:
    """A server: what Nova says of it, and where its guest is."""

    def __init__(self, cloud, uuid):
        self._cloud, self.id = cloud, uuid

    @property
    def _hosts(self):
        return {
            name: each.host for name, each in self._cloud.nova.hosts.items()
        }

    def show(self):
        """Give what the API says."""
        return self._cloud.connection.compute.get_server(self.id)

    def settled(self):
        """Give what the API says once nothing is done with it any more."""

        def look():
            found = self.show()
            busy = found.task_state or found.status in ('BUILD', 'MIGRATING')
            return None if busy else found

        return wait_for(f'server {self.id}', look)

    @property
    def host(self):
        """The name of the host that Nova has it on."""
        return self.show().compute_host

    def states(self):
        """Give the state of its guest and why, by the hosts where it is."""
        found = {
            name: moving.state(host, self.id)
            for name, host in self._hosts.items()
        }
        return {name: state for name, state in found.items() if state}

    def runs_on(self, name):
        """Whether its guest is on that host only, and goes on with its work.

        :raises AssertionError: if its memory has been damaged
        """
        found = self.states()
        if list(found) != [name]:
            return False
        if found[name][0] != libvirt.VIR_DOMAIN_RUNNING:
            return False
        before = guests.sweeps(self.said())
        for _ in range(20):
            time.sleep(0.1)
            if guests.sweeps(self.said()) > before:
                return True
        return False

    def said(self):
        """Give what the guest has said since it was started where it is."""
        (name,) = self.states()
        instances = self._cloud.nova.hosts[name].instances
        return (instances / self.id / 'console.log').read_text()

    def xml(self):
        """Give what libvirt says of its guest, where that is."""
        (name,) = self.states()
        connection = libvirt.open(self._hosts[name].uri)
        try:
            return connection.lookupByUUIDString(self.id).XMLDesc()
        finally:
            connection.close()

    def cpus_of_threads(self):
        """Give the CPUs on which the kernel runs the threads of its CPUs."""
        (name,) = self.states()
        found = set()
        for each in asked(self._hosts[name], self.id, 'query-cpus-fast'):
            found |= os.sched_getaffinity(each['thread-id'])
        return found

    def migrate(self):
        """Have it live-migrated, where the scheduler wants it."""
        source = self.host
        known = {each.id for each in self._migrations()}
        self._cloud.connection.compute.live_migrate_server(
            self.id, block_migration='auto'
        )
        return Move(self, source, self._cloud, self._hosts[source], known)

    def _migrations(self):
        return list(
            self._cloud.connection.compute.migrations(instance_uuid=self.id)
        )


class Move:
    """A live migration that was asked for.

    :param known: ids of the server's migrations before
    """

    def __init__(self, server, source, cloud, host, known):
        self.server, self.source = server, source
        self._cloud, self._host, self._known = cloud, host, known
        self._events = Events(host)

    @property
    def _record(self):
        for each in self.server._migrations():
            if each.id not in self._known:
                return each
        return None

    @property
    def status(self):
        """What Nova says of it."""
        found = self._record
        return found.status if found else 'queued'

    def under_way(self):
        """Wait until memory that has changed meanwhile is copied again."""

        def look():
            if self.status in DONE:
                raise FailedError(f'it has ended: {self.status}')
            try:
                job = moving.job(self._host, self.server.id)
            except libvirt.libvirtError:
                return False
            return job.get('memory_iteration', 0) > 1

        wait_for(f'the migration of {self.server.id}', look)
        return self

    def capabilities(self, *names):
        """Give which of these QEMU of the source was told to use, in order."""
        told = {
            each['capability']: each['state']
            for each in asked(
                self._host, self.server.id, 'query-migrate-capabilities'
            )
        }
        return tuple(told[name] for name in names or WISHES)

    def complete(self):
        """Have Nova bring it to an end, as a user does."""
        self._cloud.connection.compute.force_complete_server_migration(
            self._record.id, self.server.id
        )
        return self

    def abort(self):
        """Have Nova give it up, as a user does."""
        self._cloud.connection.compute.abort_server_migration(
            self._record.id, self.server.id, ignore_missing=False
        )
        return self

    def ended(self):
        """Wait for its end; give what Nova says of the server then."""
        wait_for('the end of a migration', lambda: self.status in DONE)
        try:
            return self.server.settled()
        finally:
            self._events.close()

    @property
    def has_switched(self):
        """Whether QEMU has switched to post-copy."""
        return SWITCHED in self._events.of(self.server.id)
