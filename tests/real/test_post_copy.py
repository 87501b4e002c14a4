"""What rules post-copy out, on real QEMU: what it does, what the driver does.

Nova's own driver, where the host permits post-copy, shows what comes of it.
"""

import contextlib
import subprocess
import sys

import libvirt
import pytest

from numa_sched.nova.compute import post_copy
from tests.real import guests, hosts, moving, vhost_user

WANTS = {'compute:live_migration_post_copy': 'true'}
POST_COPY_FAILED = (
    libvirt.VIR_DOMAIN_PAUSED,
    libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED,
)
ENDED = (libvirt.VIR_DOMAIN_SHUTOFF,)
SHARED = """
<cpu>
  <numa><cell id='0' cpus='0' memory='32768' unit='KiB' {}/></numa>
</cpu>"""
HUGE_PAGES = (
    "<hugepages><page size='2048' unit='KiB' nodeset='0'/></hugepages>"
)
SOCKET = '/run/vhost-user'
PORT = f"""
<interface type='vhostuser'>
  <mac address='52:54:00:00:00:01'/>
  <source type='unix' path='{SOCKET}' mode='client'/>
  <model type='virtio'/>
  <rom enabled='no'/>
</interface>"""
ON_SHARED_HUGE_PAGES = {
    'backing': HUGE_PAGES,
    'cpu': SHARED.format("memAccess='shared'"),
}
PERSISTENT = '/run/persistent'
MORE_MEMORY = "<maxMemory slots='2' unit='MiB'>1024</maxMemory>"
# As Nova has it with file_backed_memory.
IN_FILES = (
    "<source type='file'/><access mode='shared'/>"
    "<allocation mode='immediate'/><discard/>"
)

# What the guest has, and whether the destination keeps memory in files.
LOST = {
    'memory in files': ({'backing': IN_FILES}, True),
    'shared memory that is in files for want of huge pages': (
        {'cpu': SHARED.format("memAccess='shared'")},
        False,
    ),
    'persistent memory': (
        {
            'cpu': SHARED.format(''),
            'extra': MORE_MEMORY,
            'devices': f"""
              <memory model='nvdimm' access='shared'>
                <source><path>{PERSISTENT}</path></source>
                <target><size unit='MiB'>32</size><node>0</node></target>
              </memory>""",
        },
        False,
    ),
}
MOVED = {
    'nothing special': ({}, False),
    'huge pages': ({'backing': '<hugepages/>'}, False),
    'shared huge pages': (ON_SHARED_HUGE_PAGES, False),
}


@pytest.fixture(scope='module', autouse=True)
def _persistent(pair):
    """Have a file on disk where the guest has its persistent memory."""
    for host in pair.values():
        path = host.directory / 'persistent'
        host.run('truncate', '--size=32M', str(path))
        host.run('ln', '-sf', str(path), PERSISTENT)


@pytest.mark.parametrize(
    ('parts', 'file_backed'), LOST.values(), ids=list(LOST)
)
def test_qemu_takes_post_copy_and_loses_the_server(
    pair, guest, permits, parts, file_backed
):
    one, two = pair.values()
    name = guest(**parts)
    permits(live_migration_permit_post_copy=True)
    with moving.under_way(
        one,
        two,
        moving.instance(name),
        kind='stock',
        file_backed=file_backed,
    ) as move:
        move.given_up = True
        move.complete(one)
        moving.eventually(
            lambda: moving.state(one, name) == POST_COPY_FAILED,
            'the source is paused, as post-copy has failed',
        )
        moving.eventually(
            # QEMU has ended; libvirt may not have come to forget it yet.
            lambda: (moving.state(two, name) or ENDED)[:1] == ENDED,
            'the destination is gone',
            more=lambda: f'{moving.state(two, name)}\n{two.qemu_log(name)}',
        )
        assert move.has_switched
        # Nova waits for good, or rolls back what does not run.
        assert 'completed' not in move.ended
        assert not moving.runs(one, name)
    assert move.post_copy == [True]


@pytest.mark.parametrize(
    ('parts', 'file_backed'), LOST.values(), ids=list(LOST)
)
def test_the_driver_moves_the_server_without(pair, guest, parts, file_backed):
    one, two = pair.values()
    name = guest(**parts)
    server = moving.instance(name, **WANTS)
    with moving.under_way(one, two, server, file_backed=file_backed) as move:
        move.complete(one)
    assert moved(move, pair, name)
    assert move.post_copy == [False]


@pytest.mark.parametrize(
    ('parts', 'file_backed'), MOVED.values(), ids=list(MOVED)
)
def test_the_driver_moves_other_servers_with_post_copy(
    pair, guest, parts, file_backed
):
    one, two = pair.values()
    name = guest(**parts)
    server = moving.instance(name, **WANTS)
    with moving.under_way(one, two, server, file_backed=file_backed) as move:
        move.complete(one)
    assert move.has_switched
    assert moved(move, pair, name)
    assert move.post_copy == [True]


def moved(move, pair, name):
    """Whether a migration is through and the guest goes on with its work."""
    assert (move.ended, move.errors) == (['completed'], [])
    return moving.state(pair['one'], name) is None and moving.runs(
        pair['two'], name
    )


@contextlib.contextmanager
def backends(pair, *options):
    """Have a process for a vhost-user port on each host meanwhile."""
    processes = []
    try:
        for host in pair.values():
            host.run('rm', '-f', SOCKET)
            program = (sys.executable, vhost_user.__file__, SOCKET)
            processes.append(
                subprocess.Popen(
                    [*host.inside, *program, *options],
                    stdout=subprocess.DEVNULL,
                )
            )
        for host in pair.values():
            moving.eventually(
                lambda host=host: host.has(SOCKET), 'the backend listens'
            )
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_qemu_refuses_post_copy_with_a_vhost_user_port(pair, guest, permits):
    one, two = pair.values()
    permits(live_migration_permit_post_copy=True)
    with backends(pair):
        name = guest(**ON_SHARED_HUGE_PAGES, devices=PORT)
        server = moving.instance(name)
        with moving.under_way(one, two, server, kind='stock') as move:
            pass
        (error,) = move.errors
        assert "'migrate-set-capabilities': Postcopy is not supp" in str(error)
        assert move.ended == ['rolled back']
        assert moving.runs(one, name)


@pytest.mark.parametrize(
    ('can', 'option', 'post_copy'),
    [
        ([], False, [False]),
        ([], True, [True, False]),
        (['--page-faults'], True, [True]),
    ],
    ids=[
        'without post-copy',
        'without, after QEMU has refused',
        'with post-copy where the backend can',
    ],
)
def test_the_driver_moves_a_server_with_a_vhost_user_port(
    pair, guest, can, option, post_copy
):
    one, two = pair.values()
    name = 'post_copy_with_vhost_user'
    moving.CONF.set_override(name, option, group='numa_sched')
    with backends(pair, *can):
        name = guest(**ON_SHARED_HUGE_PAGES, devices=PORT)
        server = moving.instance(name, **WANTS)
        with moving.under_way(one, two, server) as move:
            move.complete(one)
        assert move.has_switched == post_copy[-1]
        assert moved(move, pair, name)
    assert move.post_copy == post_copy


@pytest.mark.parametrize('user', ['root', 'libvirt-qemu'])
def test_a_host_knows_whether_qemu_may_do_post_copy(disk, image, user):
    """What the host says of itself is what QEMU does when it is asked."""
    with hosts.running('three', 'four', disk=disk, user=user, first=3) as pair:
        three, four = pair.values()
        name = '1f4f1b0c-5d0f-4a2c-9d0a-3c2f7f0e2a10'
        guests.start(three, guests.domain(name, image))
        server = moving.instance(name, **WANTS)
        foreseen = post_copy.why_not_here(moving.driver_of(four)._host)
        with moving.under_way(three, four, server) as move:
            move.complete(three)
        assert move.ended == ['completed']
        assert moving.runs(four, name)
    assert move.post_copy == ([True, False] if foreseen else [True])


def test_virtiofs_is_not_migrated_at_all(pair, guest, permits):
    one, two = pair.values()
    name = guest(
        **ON_SHARED_HUGE_PAGES,
        devices="""
          <filesystem type='mount'>
            <driver type='virtiofs'/>
            <source dir='/usr/share'/><target dir='share'/>
          </filesystem>""",
    )
    server = moving.instance(name, **WANTS)
    with moving.under_way(one, two, server) as move:
        pass
    (error,) = move.errors
    assert 'non-migratable device' in str(error)
    assert moving.runs(one, name)
