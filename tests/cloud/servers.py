"""Servers of the cloud: made, moved, and looked at."""

import contextlib
import time
from unittest import mock

from nova import context as nova_context
from nova import exception, objects
from nova import utils as nova_utils
from nova.tests.fixtures import libvirt as fakelibvirt
from nova.tests.functional.api.client import OpenStackApiNotFoundException
from nova.virt.libvirt.driver import LibvirtDriver

from tests.cloud import threads

# How often a state is looked at: in the database, and if nothing has come of
# it there, all the same through the API, which is ten times the work.
POLL_SECONDS = 0.1
API_SECONDS = 1
# Far more than anything takes, also on a machine with much else to do.
PATIENCE_SECONDS = 180
# Where a migration has come to an end.
OVER = ('completed', 'finished', 'done', 'error', 'failed', 'reverted')


def looks(promising, server):
    """Give the times at which to look through the API, while patience lasts.

    :param promising: tells of a server's id whether it may be worth it
    """
    end = time.monotonic() + PATIENCE_SECONDS
    looked = 0
    while time.monotonic() < end:
        if promising(server) or time.monotonic() - looked > API_SECONDS:
            yield
            looked = time.monotonic()
        time.sleep(POLL_SECONDS)


def _is_idle(server):
    try:
        instance = objects.Instance.get_by_uuid(
            nova_context.get_admin_context(), server, expected_attrs=[]
        )
    except exception.InstanceNotFound:
        return False
    return not instance.task_state and instance.vm_state != 'building'


def _is_gone(server):
    try:
        objects.Instance.get_by_uuid(
            nova_context.get_admin_context(), server, expected_attrs=[]
        )
    except exception.InstanceNotFound:
        return True
    return False


def _has_no_host(server):
    instance = objects.Instance.get_by_uuid(
        nova_context.get_admin_context(), server, expected_attrs=[]
    )
    return instance.host is None


def _has_moved(server):
    migrations = objects.MigrationList.get_by_filters(
        nova_context.get_admin_context(), {'instance_uuid': server}
    )
    newest = max(migrations, key=lambda each: each.id, default=None)
    return bool(newest) and newest.status in OVER


class Servers:
    """What tests and the demo do with servers, as users and operators."""

    def boot(self, flavor, *, image=None, host=None, state='ACTIVE', **extra):
        """Create a server and wait until it is in a state."""
        body = self._build_server(
            image_uuid=self.add_image() if image is None else image,
            flavor_id=flavor,
            networks='none',
            host=host,
        )
        body.update(extra)
        return self.wait_for(self.api.post_server({'server': body}), state)

    def ask(self, path, body):
        """Give status and message of a request that the API refuses."""
        response = self.api.api_post(
            path, body, check_response_status=[400, 403, 404, 409]
        )
        (fault,) = response.body.values()
        return response.status, fault['message']

    def wait_for(self, server, state):
        """Give a server once it is in a state and nothing goes on with it.

        :raises AssertionError: if it ends in another state, or never does
        """
        for _ in looks(_is_idle, server['id']):
            server = self.api.get_server(server['id'])
            if server['status'] == state and (
                'fault' in server
                if state == 'ERROR'
                else not server['OS-EXT-STS:task_state']
            ):
                return server
            if server['status'] == 'ERROR' and 'fault' in server:
                break
        else:
            errors = '\n'.join(self.errors)
            raise AssertionError(
                f'server still is {server["status"]} and not {state}, after '
                f'{PATIENCE_SECONDS} s. What is done meanwhile:\n'
                f'{threads.busy()}\nErrors that were logged:\n{errors}'
            )
        raise AssertionError(
            f'server is {server["status"]} and not {state}: '
            f'{server.get("fault", {}).get("message")}'
        )

    def wait_until_gone(self, server):
        """Wait until there is no server of an id any more."""
        for _ in looks(_is_gone, server):
            try:
                status = self.api.get_server(server)['status']
            except OpenStackApiNotFoundException:
                return
            if status == 'ERROR':
                # Nova forgets what is asked while it buries one in cell0.
                with contextlib.suppress(OpenStackApiNotFoundException):
                    self.api.delete_server(server)
        raise AssertionError(f'server still is there, {status}')

    def wait_for_migration(self, server):
        """Give the newest migration of a server once it has come to an end."""
        for _ in looks(_has_moved, server['id']):
            migrations = self.api.api_get(
                f'/os-migrations?instance_uuid={server["id"]}'
            ).body['migrations']
            newest = max(migrations, key=lambda each: each['id'], default={})
            if newest.get('status') in OVER or (
                newest.get('status') == 'cancelled'
                and not self._is_busy(server['id'])
            ):
                return newest
        raise AssertionError(f'migration still is {newest.get("status")}')

    def _is_busy(self, server):
        return self.api.get_server(server)['OS-EXT-STS:task_state']

    def host_of(self, server):
        """Give the name of the host that a server is on."""
        return self.api.get_server(server['id'])['OS-EXT-SRV-ATTR:host']

    def start_live_migration(self, server, host=None, *, force=False):
        """Ask for the live migration of a server."""
        body = {'host': host, 'block_migration': 'auto'}
        self._move_to_host(server, 'os-migrateLive', body, force)

    def live_migrate(self, server, host=None, *, force=False):
        """Live-migrate a server; give the host that it is on afterwards."""
        self.start_live_migration(server, host, force=force)
        self.wait_for_migration(server)
        self.wait_for(server, 'ACTIVE')
        return self.host_of(server)

    def cold_migrate(self, server, host=None, *, state='VERIFY_RESIZE'):
        """Cold-migrate a server; give the host that awaits confirmation."""
        body = {'migrate': host and {'host': host}}
        return self._resize(server, body, state)

    def shelve(self, server):
        """Shelve a server; wait until Nova is done with it on its host.

        It shows the state before it has taken the server off its host.
        """
        with mock.patch.object(LibvirtDriver, 'snapshot'):
            self.api.post_server_action(server['id'], {'shelve': {}})
            self.wait_for(server, 'SHELVED_OFFLOADED')
        for _ in looks(_has_no_host, server['id']):
            if self.host_of(server) is None:
                return
        raise AssertionError('the server has not left its host')

    def unshelve(self, server):
        """Unshelve a server; give the host that it is on then."""
        self.api.post_server_action(server['id'], {'unshelve': {}})
        self.wait_for(server, 'ACTIVE')
        return self.host_of(server)

    def _move_to_host(self, server, action, body, force):
        """Ask for a move; forcing it is for old users of the API only."""
        with (
            nova_utils.temporary_mutation(self.api, microversion='2.67')
            if force
            else contextlib.nullcontext()
        ):
            body = {**body, 'force': True} if force else body
            self.api.post_server_action(server['id'], {action: body})

    def resize(self, server, flavor):
        """Resize a server; give the host that awaits confirmation."""
        return self._resize(server, {'resize': {'flavorRef': flavor}})

    def _resize(self, server, action, state='VERIFY_RESIZE'):
        with mock.patch.object(
            LibvirtDriver, 'migrate_disk_and_power_off', return_value='{}'
        ):
            self.api.post_server_action(server['id'], action)
            self.wait_for(server, state)
        return self.host_of(server)

    def confirm(self, server):
        """Confirm a resize or a cold migration."""
        self.api.post_server_action(server['id'], {'confirmResize': None})
        self.wait_for(server, 'ACTIVE')

    def revert(self, server):
        """Revert a resize or a cold migration; give the host it is on."""
        self.api.post_server_action(server['id'], {'revertResize': None})
        self.wait_for(server, 'ACTIVE')
        return self.host_of(server)

    def evacuate(self, server, host=None, *, force=False, state=None):
        """Evacuate a server off its host, which is down meanwhile.

        Give the host that it is on when it is in the state. Where a move can
        be forced, it is started again, too.
        """
        state = state or ('ACTIVE' if force else 'SHUTOFF')
        source = self.host_of(server)
        service = self.api.get_services(host=source, binary='nova-compute')[0]
        self.computes[source].stop()
        self.api.put_service_force_down(service['id'], True)
        body = {'host': host} if host else {}
        self._move_to_host(server, 'evacuate', body, force)
        self.wait_for_migration(server)
        target = self.host_of(self.wait_for(server, state))
        self.restart_compute_service(source)
        self.api.put_service_force_down(service['id'], False)
        return target

    @contextlib.contextmanager
    def refusing_migrations_to(self, host):
        """Have a host find that its CPU cannot run any guest."""
        connection = self.connection(host)
        with contextlib.ExitStack() as stack:
            for name in ('compareCPU', 'compareHypervisorCPU'):
                stack.enter_context(
                    mock.patch.object(
                        connection,
                        name,
                        return_value=fakelibvirt.VIR_CPU_COMPARE_INCOMPATIBLE,
                    )
                )
            yield

    def fault_of(self, server):
        """Give the message of the last fault of a server, None if none."""
        fault = objects.InstanceFault.get_latest_for_instance(
            nova_context.get_admin_context(), server['id']
        )
        return fault and fault.message

    def allocated_on(self, server):
        """Give the names of hosts on which placement has it allocated."""
        allocated = self._get_allocations_by_server_uuid(server['id'])
        return [
            host
            for host, provider in self.compute_rp_uuids.items()
            if provider in allocated
        ]

    def topology_of(self, server):
        """Give the claimed NUMA topology of a server, None if it has none."""
        return objects.Instance.get_by_uuid(
            nova_context.get_admin_context(),
            server['id'],
            expected_attrs=['numa_topology'],
        ).numa_topology

    def devices_of(self, server):
        """Give the PCI devices that a server has claimed."""
        return objects.PciDeviceList.get_by_instance_uuid(
            nova_context.get_admin_context(), server['id']
        )

    def host_topology(self, host):
        """Give the NUMA topology of a host as the scheduler would read it."""
        node = objects.ComputeNode.get_by_nodename(
            nova_context.get_admin_context(), host
        )
        return objects.NUMATopology.obj_from_db_obj(node.numa_topology)
