"""Hosts with a libvirt of their own, on one machine, and a network of them.

Each is three namespaces (network, mounts, name) in which libvirtd runs with
directories of its own. All of it ends with the process that has started it.
"""

import contextlib
import dataclasses
import itertools
import pathlib
import re
import shutil
import subprocess
import time
import uuid

import libvirt

from tests.services.processes import HERE

NETWORK = '192.0.2'
BRIDGE = 'hosts'
PATIENCE_SECONDS = 180
POLL_SECONDS = 0.1
# What libvirtd writes to; /run is for its sockets and pid files.
OWN_DIRECTORIES = (
    '/etc/libvirt',
    '/run',
    '/var/cache/libvirt',
    '/var/lib/libvirt',
    '/var/log/libvirt',
)
# Of each network of its own: how often TCP sends again.
GIVE_UP = '/proc/sys/net/ipv4/tcp_retries2'
FEW_TRIES = 3
HUGE_PAGES = '/run/hugepages'
LIBVIRTD_CONF = """
listen_tls = 0
listen_tcp = 1
listen_addr = "{address}"
auth_tcp = "none"
auth_unix_ro = "none"
auth_unix_rw = "none"
# nova-compute is one client, and a migration is a request until it is over; by
# default there are no more than 5.
max_client_requests = 50
host_uuid = "{uuid}"
"""
# QEMU without what containers do not have.
QEMU_CONF = """
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
user = "{user}"
group = "{user}"
memory_backing_dir = "{memory}"
max_core = 0
"""


@dataclasses.dataclass(frozen=True)
class Host:
    """A host that runs libvirtd: where it is, and the way in."""

    name: str
    address: str
    inside: tuple[str, ...]
    # As outside sees it; the same inside.
    directory: pathlib.Path

    @property
    def uri(self):
        """Where its libvirt is, for anybody in the network."""
        return f'qemu+tcp://{self.address}/system'

    @property
    def memory(self):
        """The directory for files that back memory; not in memory itself."""
        return self.directory / 'memory'

    def run(self, *command, **kwargs):
        """Run a command on the host, which must end well.

        :raises subprocess.CalledProcessError: if it does not
        """
        return subprocess.run(
            [*self.inside, *command],
            check=True,
            capture_output=True,
            text=True,
            **kwargs,
        )

    def has(self, path):
        """Whether there is a file of this path on the host."""
        return not subprocess.run(
            [*self.inside, 'test', '-e', path]
        ).returncode

    def qemu_log(self, guest):
        """Give what QEMU has written for a guest of this host."""
        return self.run('cat', f'/var/log/libvirt/qemu/{guest}.log').stdout

    @contextlib.contextmanager
    def slow(self):
        """Have the host send no more than 1 MB a second meanwhile."""
        discipline = ('dev', 'eth0', 'root', 'tbf')
        limits = ('rate', '8mbit', 'burst', '32kb', 'latency', '100ms')
        self.run('tc', 'qdisc', 'add', *discipline, *limits)
        try:
            yield
        finally:
            self.run('tc', 'qdisc', 'delete', *discipline[:3])

    @contextlib.contextmanager
    def cut_off(self, other):
        """Have no packet go to another host meanwhile; TCP soon gives up."""
        way = ('blackhole', f'{other.address}/32')
        self.run('tee', GIVE_UP, input=str(FEW_TRIES))
        self.run('ip', 'route', 'add', *way)
        try:
            yield
        finally:
            self.run('ip', 'route', 'delete', *way)


@contextlib.contextmanager
def running(*names, disk, user='root', first=1):
    """Give hosts by name, each with libvirtd, in the :func:`network`.

    :param disk: a directory on a disk, for what shall not be in memory
    :param user: who runs QEMU
    :param first: the number of the first of them in the network
    """
    numbers = dict(zip(names, itertools.count(first)))
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(
                _host(name, numbers, pathlib.Path(disk), user)
            )
            for name in names
        }


def _outer(number):
    """Give the name of the link to a host, on our side."""
    return f'host{number}'


def _address(number):
    return f'{NETWORK}.{number}'


@contextlib.contextmanager
def network():
    """Have a network for hosts meanwhile."""
    _run('ip', 'link', 'set', 'lo', 'up')
    _run('ip', 'link', 'add', BRIDGE, 'type', 'bridge')
    _run('ip', 'address', 'add', f'{HERE}/24', 'dev', BRIDGE)
    _run('ip', 'link', 'set', BRIDGE, 'up')
    try:
        yield
    finally:
        _run('ip', 'link', 'delete', BRIDGE)


@contextlib.contextmanager
def _host(name, numbers, disk, user):
    number = numbers[name]
    directory = disk / name
    # Its standard input ends with us, and the namespaces with it.
    holder = subprocess.Popen(
        ['unshare', '--net', '--mount', '--uts', 'sh', '-c', 'echo; cat'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        holder.stdout.readline()
        host = Host(
            name,
            _address(number),
            (
                'nsenter',
                f'--target={holder.pid}',
                '--net',
                '--mount',
                '--uts',
            ),
            directory,
        )
        host.memory.mkdir(parents=True)
        host.memory.chmod(0o777)
        _plug(host, number, holder.pid)
        _furnish(host, numbers, user)
        with _libvirtd(host):
            yield host
    finally:
        # The kernel takes its time to end a namespace, and this with it.
        subprocess.run(('ip', 'link', 'delete', _outer(number)))
        holder.stdin.close()
        holder.wait(PATIENCE_SECONDS)
        shutil.rmtree(directory, ignore_errors=True)


def _plug(host, number, holder):
    outer = _outer(number)
    _run(
        *f'ip link add {outer} type veth peer name eth0 netns {holder}'.split()
    )
    _run('ip', 'link', 'set', outer, 'master', BRIDGE, 'up')
    for command in (
        f'ip address add {host.address}/24 dev eth0',
        'ip link set eth0 up',
        'ip link set lo up',
        f'hostname {host.name}',
    ):
        host.run(*command.split())


def _furnish(host, numbers, user):
    """Give a host its own directories and configuration."""
    for path in OWN_DIRECTORIES:
        host.run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', path)
    # libvirt looks for one when it starts.
    host.run('mkdir', HUGE_PAGES)
    host.run('mount', '-t', 'hugetlbfs', 'hugetlbfs', HUGE_PAGES)
    hosts = '127.0.0.1 localhost\n' + ''.join(
        f'{_address(number)} {name}\n' for name, number in numbers.items()
    )
    _write(host, '/run/hosts', hosts)
    host.run('mount', '--bind', '/run/hosts', '/etc/hosts')
    _write(
        host,
        '/etc/libvirt/libvirtd.conf',
        LIBVIRTD_CONF.format(address=host.address, uuid=uuid.uuid4()),
    )
    _write(
        host,
        '/etc/libvirt/qemu.conf',
        QEMU_CONF.format(memory=host.memory, user=user),
    )


def _write(host, path, text):
    host.run('tee', path, input=text)


@contextlib.contextmanager
def _libvirtd(host):
    log = host.directory / 'libvirtd.log'
    with log.open('wb') as output:
        daemon = subprocess.Popen(
            [*host.inside, 'libvirtd', '--listen'],
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for(daemon, host, log)
        yield
    finally:
        daemon.terminate()
        daemon.wait(PATIENCE_SECONDS)


def _wait_for(daemon, host, log):
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            libvirt.open(host.uri).close()
            return
        except libvirt.libvirtError as error:
            if daemon.poll() is not None or time.monotonic() > end:
                said = re.sub(r'^\s+', '', log.read_text()) or str(error)
                raise RuntimeError(
                    f'no libvirtd on host {host.name}: {said}'
                ) from None
            time.sleep(POLL_SECONDS)


def _run(*command):
    subprocess.run(command, check=True, capture_output=True)
