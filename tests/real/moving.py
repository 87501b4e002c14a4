"""Live migrations by the code of nova-compute's driver, on real hosts.

What is above the driver (conductor, database, the network service) is not
there: the driver is handed what they would hand it.
"""

import os

# Nova reads this when it is imported.
os.environ.setdefault('OS_NOVA_DISABLE_EVENTLET_PATCHING', 'true')

import contextlib
import dataclasses
import threading
import time
from unittest import mock

import libvirt
import nova.conf
from nova import context as nova_context
from nova import objects
from nova.compute import vm_states
from nova.objects import fields
from nova.virt.libvirt import driver as stock
from nova.virt.numa_sched import LibvirtDriver

import numa_sched.nova  # noqa: F401  (its options)
from tests.real import guests, hosts

CONF = nova.conf.CONF
DRIVERS = {'ours': LibvirtDriver, 'stock': stock.LibvirtDriver}
EXTRA_SPEC = 'compute:live_migration_{}'
# Pre-copy goes on for ever at that rate.
MIB_PER_SECOND = 1
JOB_UNDER_WAY = libvirt.VIR_DOMAIN_JOB_UNBOUNDED


def start():
    """Make Nova ready in this process, once."""
    CONF([], project='nova', default_config_files=[])
    objects.register_all()
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=_run_events, daemon=True).start()
    configure(
        virt_type='qemu',
        live_migration_bandwidth=MIB_PER_SECOND,
        cpu_mode='none',
    )


def _run_events():
    """Serve the connections, as a thread of Nova's does."""
    while True:
        libvirt.virEventRunDefaultImpl()


def configure(**options):
    """Set options of the group ``[libvirt]``."""
    for name, value in options.items():
        CONF.set_override(name, value, group='libvirt')


def driver_of(host, *, kind='ours'):
    """Give the driver of a host, as it is once nova-compute has started."""
    configure(connection_uri=host.uri)
    driver = DRIVERS[kind](virtapi=None)
    # Nobody here is told of events, or whether there is a connection.
    driver._host._initialized = True
    driver._host._conn_event_handler = None
    driver._parse_migration_flags()
    return driver


def instance(uuid, *, memory_mb=32, image=(), **extra_specs):
    """Give a server of Nova whose flavor has extra specs."""
    flavor = objects.Flavor(
        memory_mb=memory_mb,
        vcpus=1,
        root_gb=0,
        ephemeral_gb=0,
        swap=0,
        extra_specs=extra_specs,
    )
    return objects.Instance(
        id=1,
        uuid=uuid,
        host='one',
        flavor=flavor,
        vm_state=vm_states.ACTIVE,
        task_state='migrating',
        system_metadata={
            f'image_{name}': value for name, value in dict(image).items()
        },
        resources=None,
        migration_context=None,
        numa_topology=None,
        pci_devices=objects.PciDeviceList(objects=[]),
    )


@dataclasses.dataclass
class Move:
    """A live migration under way: what libvirt was asked for, what came."""

    instance: object
    driver: object
    migration: object
    asked: list = dataclasses.field(default_factory=list)
    # What has come of the calls: an error or None.
    answers: list = dataclasses.field(default_factory=list)
    ended: list = dataclasses.field(default_factory=list)
    errors: list = dataclasses.field(default_factory=list)
    # Whether its guest may be ended, as it would not end else.
    given_up: bool = False

    @property
    def is_over(self):
        return bool(self.ended or self.errors)

    @property
    def has_switched(self):
        return 'post-copy' in self.migration.status

    @property
    def post_copy(self):
        """Whether each call of libvirt asked for post-copy, in their order."""
        return [
            bool(flags & libvirt.VIR_MIGRATE_POSTCOPY) for flags in self.asked
        ]

    def complete(self, source):
        """Have the migration completed, as a user does, once it is going."""
        eventually(
            lambda: self.is_over or self.rounds(source) > 1,
            'the migration copies what has changed',
        )
        if not self.is_over:
            self.driver.live_migration_force_complete(self.instance)

    def rounds(self, source):
        try:
            return job(source, self.instance.uuid).get('memory_iteration', 0)
        except libvirt.libvirtError:
            return 0

    def run(self, destination, file_backed):
        """Migrate; what comes of it is noted."""
        data = objects.LibvirtLiveMigrateData(
            block_migration=False,
            is_shared_block_storage=True,
            is_shared_instance_path=True,
            serial_listen_addr='0.0.0.0',
            serial_listen_ports=[],
            target_connect_addr=destination.address,
            bdms=[],
            dst_wants_file_backed_memory=file_backed,
            migration=self.migration,
        )
        try:
            self.driver.live_migration(
                nova_context.get_admin_context(),
                self.instance,
                destination.name,
                lambda *_, **__: self.ended.append('completed'),
                lambda *_, **__: self.ended.append('rolled back'),
                False,
                data,
            )
        except Exception as error:
            self.errors.append(error)


@contextlib.contextmanager
def under_way(source, destination, server, *, kind='ours', file_backed=False):
    """Have a driver migrate a server meanwhile; it is over after that.

    :param file_backed: what ``[libvirt] file_backed_memory`` of the
        destination comes to
    """
    move = Move(
        server,
        driver_of(source, kind=kind),
        objects.Migration(
            id=1,
            uuid=server.uuid,
            status='running',
            migration_type=fields.MigrationType.LIVE_MIGRATION,
        ),
    )
    migrate = libvirt.virDomain.migrateToURI3

    def noted(domain, uri, params, flags):
        move.asked.append(flags)
        error = None
        try:
            return migrate(domain, uri, params, flags)
        except libvirt.libvirtError as raised:
            error = raised
            raise
        finally:
            move.answers.append(error)

    thread = threading.Thread(target=move.run, args=(destination, file_backed))
    with (
        mock.patch.object(libvirt.virDomain, 'migrateToURI3', noted),
        mock.patch.object(objects.Instance, 'save'),
        mock.patch.object(objects.Migration, 'save'),
    ):
        thread.start()
        try:
            yield move
        finally:
            if move.given_up:
                # There is nothing to wait for once the guest is gone.
                for host in (source, destination):
                    guests.destroy(host, server.uuid)
            thread.join(hosts.PATIENCE_SECONDS)
            assert not thread.is_alive(), 'the migration does not end'


def eventually(holds, what, *, more=str):
    """Wait until something holds; say what if it does not come.

    :param more: gives what else there is to say then
    """
    end = time.monotonic() + hosts.PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, f'it never came to: {what}\n{more()}'
        time.sleep(hosts.POLL_SECONDS)


def state(host, uuid):
    """Give the state of a guest on a host and why, None if it is not there."""
    connection = libvirt.open(host.uri)
    try:
        return tuple(connection.lookupByUUIDString(uuid).state())
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return None
    finally:
        connection.close()


def runs(host, uuid):
    """Whether a guest runs on a host, and goes on with its work there."""
    found = state(host, uuid)
    if found is None or found[0] != libvirt.VIR_DOMAIN_RUNNING:
        return False
    before = guests.sweeps(guests.said(host))
    time.sleep(0.5)
    return guests.sweeps(guests.said(host)) > before


def job(host, uuid):
    """Give what libvirt says of the migration of a guest."""
    connection = libvirt.open(host.uri)
    try:
        return connection.lookupByUUIDString(uuid).jobStats()
    finally:
        connection.close()
